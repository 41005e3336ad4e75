"""Decides about facts against what is stored, and writes memories, revisions and decisions."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from django.db import transaction
from django.utils import timezone
from numpy.typing import NDArray

from memory import caching, catalogue
from memory.dedupe.candidates import NEAREST, Owner, Vectors, candidates
from memory.dedupe.decide import Candidate, Outcome, decide
from memory.dedupe.normalise import text_hash
from memory.dedupe.rows import Rows
from memory.dedupe.rows import Statement as Statement
from memory.jobs.locks import lock_writes


@dataclass(frozen=True, slots=True)
class Remembered:
    """The memory that holds the fact now, and whether it was added or known."""

    memory_id: uuid.UUID
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Fresh:
    """What this very batch has added to one scope, with the places of the vectors."""

    known: list[Candidate] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def like(
        self, digest: str, vector: NDArray[np.float32], rows: NDArray[np.float32], *, near: bool
    ) -> list[Candidate]:
        """The one with this hash; with `near` also the nearest by cosine, at most NEAREST."""
        if not self.known:
            return []
        cosines = rows[self.places] @ vector
        nearest = np.argsort(-cosines, kind="stable")[:NEAREST].tolist() if near else []
        same = [place for place, one in enumerate(self.known) if one.text_hash == digest]
        return [
            Candidate(one.id, one.text, one.text_hash, float(cosines[place]))
            for place in dict.fromkeys([*same, *nearest])
            for one in (self.known[place],)
        ]


def remember(
    *,
    owner: Owner,
    statements: Sequence[Statement],
    vectors: Vectors,
    near_certain: float,
    now: datetime | None = None,
) -> list[Remembered]:
    """Add each statement to the owner's memories, or find it known. One answer per statement, in order.

    All of it in one transaction, under the user's lock, so that two workers can't add the same fact.
    """
    if not statements:
        return []
    with transaction.atomic():
        lock_writes(*owner.user)
        remembered = write_down(
            owners=[owner] * len(statements),
            statements=statements,
            vectors=vectors,
            near_certain=near_certain,
            now=now or timezone.now(),
        )
        transaction.on_commit(lambda: caching.forget_context(*owner.user, conversations=False))
    return remembered


def write_down(
    *,
    owners: Sequence[Owner],
    statements: Sequence[Statement],
    vectors: Vectors,
    near_certain: float,
    now: datetime,
) -> list[Remembered]:
    """The same for statements of many owners, in a transaction that holds the locks of all their users already.

    `vectors.rows` has a row per statement. Five statements to PostgreSQL, however many facts and owners there are.
    For users without real_time_dedup only the same words are a duplicate: the rest is the job `dedupe`'s.
    The caller drops the users' cached contexts when it has committed.
    """
    hashes = [text_hash(statement.text) for statement in statements]
    compares = {user: catalogue.compares(*user) for user in {owner.user for owner in owners}}
    near = [compares[owner.user] for owner in owners]
    stored = candidates(owners, hashes, vectors, near=near)
    rows = Rows(vectors, near_certain, now)
    fresh: dict[Owner, _Fresh] = defaultdict(_Fresh)
    remembered = []
    for place, (owner, statement) in enumerate(zip(owners, statements, strict=True)):
        started = time.perf_counter()
        vector, added = vectors.rows[place], fresh[owner]
        digest = hashes[place]
        known = stored[place] + added.like(digest, vector, vectors.rows, near=near[place])
        verdict = decide(statement.text, known, near_certain=near_certain)
        memory_id = verdict.of
        if memory_id is None:
            memory_id = rows.add(owner, statement, digest, vector)
            added.known.append(Candidate(memory_id, statement.text, digest, 1.0))
            added.places.append(place)
        took_ms = (time.perf_counter() - started) * 1000
        rows.decide(owner, statement, verdict, memory_id, took_ms, near=near[place])
        remembered.append(Remembered(memory_id, verdict.outcome))
    rows.write()
    return remembered
