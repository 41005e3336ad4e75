"""Finds one user's memories by meaning and by words: the verb."""

from __future__ import annotations

import time
import uuid
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from memory import tuning
from memory.providers.base import Embedded
from memory.search import filters as language
from memory.search import fuse, run
from memory.search.filters import Filter
from memory.search.found import Found, Strategy
from memory.search.plan import DEPTH
from memory.search.rewrite import Rewritten, rewrite
from memory.search.strategies import Asked, Scope
from memory.tuning import Terms


def search(
    *,
    workspace_id: uuid.UUID,
    user_id: str,
    query: str,
    embedded: Embedded | None,
    now: datetime,
    limit: int = 10,
    filters: Filter | None = None,
    terms: Terms | None = None,
    explain: bool = False,
    strategy: Strategy | None = None,
) -> Found:
    """The user's memories nearest to `query`, best first: active and unexpired ones, unless `filters` ask for others.

    `embedded` has a row for each of the texts that `texts_of` gives, or one for the query as a whole; without it, or
    where a row is zero, words alone count. Only vectors of its model are compared. `explain` adds the plan; `strategy`
    takes the planner's place where it can answer, to compare the two.
    """
    retrieval = (terms or tuning.current(workspace_id)).retrieval
    started = time.perf_counter()
    asked = rewrite(query, now=now, user_id=user_id)
    scope = Scope(workspace_id, user_id, filters or language.NOTHING, now)
    search = run.Run(scope, asked, _parts(asked, embedded), max(DEPTH, 2 * limit), wanted=strategy, explains=explain)
    search.ms["rewrite"] = (time.perf_counter() - started) * 1000
    if asked.parts:
        found = search.candidates()
        with search.timed("fuse"):
            hits = fuse.fuse(found, terms=retrieval, spans=asked.spans, now=now, limit=limit)
    else:
        rows = search.newest(limit)
        hits = fuse.newest(rows, terms=retrieval, spans=asked.spans, now=now, limit=limit)
    return Found(hits, search.plan(started) if explain else None)


def texts_of(query: str, *, user_id: str, now: datetime) -> list[str]:
    """What of the query is to be embedded, a text each; the query itself where there is nothing to look for."""
    return rewrite(query, now=now, user_id=user_id).texts or [query]


def _parts(asked: Rewritten, embedded: Embedded | None) -> list[Asked]:
    """Each part with its vector; one vector alone is every part's."""
    count = len(asked.parts)
    rows = [] if embedded is None else list(embedded.rows)
    if len(rows) != count:
        rows = rows[:1] * count
    vectors = [_as_text(row) if row.any() else None for row in rows] or [None] * count
    model = "" if embedded is None else embedded.model
    return [Asked(part.words, vector, model) for part, vector in zip(asked.parts, vectors, strict=True)]


def _as_text(row: NDArray[np.float32]) -> str:
    """As PostgreSQL reads a halfvec, its largest number made 32,768: a cosine knows no length, and a whole number is
    written ten times as fast as a fraction."""
    return str((row * (32_768 / np.abs(row).max())).astype(np.int32).tolist())
