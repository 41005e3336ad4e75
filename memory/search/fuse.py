"""Makes one ranking of several: reciprocal ranks, then boosts that are bounded."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Final

from memory.models import Kind
from memory.search.found import Breakdown, Hit, Row
from memory.search.strategies import Candidates
from memory.search.times import Span
from memory.tuning.terms import Retrieval

TIME: Final = 0.3  # the boost of what is of a time that the question names
DAY_S: Final = 86_400

Boosts = dict[str, float]


@dataclass(slots=True)
class _Candidate:
    """A row with its best place in each ranking, and what the rankings give it together."""

    row: Row
    fused: float = 0.0
    vector_rank: int | None = None
    similarity: float | None = None
    text_rank: int | None = None


def fuse(
    found: Sequence[Candidates], *, terms: Retrieval, spans: Sequence[Span], now: datetime, limit: int
) -> list[Hit]:
    """The best of all parts' candidates, the best first.

    Reciprocal rank fusion (G. Cormack et al., SIGIR 2009): the sum of weight / (k + rank) over the rankings, here
    divided by its maximum, so that what leads all of them has 1. A ranking of no candidates counts as none.
    """
    candidates: dict[int, _Candidate] = {}
    most = 0.0
    for part in found:
        most += (terms.vector * bool(part.near) + terms.words * bool(part.said)) / (terms.k + 1)
        for rank, (row, similarity) in enumerate(part.near, 1):
            one = candidates.get(row.id.int) or candidates.setdefault(row.id.int, _Candidate(row))
            one.fused += terms.vector / (terms.k + rank)
            if one.vector_rank is None or rank < one.vector_rank:
                one.vector_rank, one.similarity = rank, similarity
        for rank, (row, _) in enumerate(part.said, 1):
            one = candidates.get(row.id.int) or candidates.setdefault(row.id.int, _Candidate(row))
            one.fused += terms.words / (terms.k + rank)
            one.text_rank = rank if one.text_rank is None else min(rank, one.text_rank)
    for one in candidates.values():
        one.fused = one.fused / most if most else 0.0
    return _best(candidates.values(), terms=terms, spans=spans, now=now, limit=limit)


def newest(rows: Sequence[Row], *, terms: Retrieval, spans: Sequence[Span], now: datetime, limit: int) -> list[Hit]:
    """Hits of rows that are in their order already, with the reciprocal rank alone."""
    ranked = [_Candidate(row, (terms.k + 1) / (terms.k + rank)) for rank, row in enumerate(rows, 1)]
    return _best(ranked, terms=terms, spans=spans, now=now, limit=limit)


def _best(
    candidates: Iterable[_Candidate], *, terms: Retrieval, spans: Sequence[Span], now: datetime, limit: int
) -> list[Hit]:
    most = _most(terms, spans)
    scored = []
    for one in candidates:
        boosts = boosts_of(one.row, terms=terms, spans=spans, now=now)
        scored.append((one.fused * math.prod(boosts.values()) / most, one.row.id.int, one, boosts))
    hits = []
    for score, _, one, boosts in heapq.nlargest(limit, scored, key=itemgetter(0, 1)):
        breakdown = Breakdown(one.vector_rank, one.similarity, one.text_rank, one.fused, boosts)
        hits.append(Hit.of(one.row, min(1.0, score), breakdown))
    return hits


def boosts_of(row: Row, *, terms: Retrieval, spans: Sequence[Span], now: datetime) -> Boosts:
    """Factors by name, each at least 1 minus and at most 1 plus its setting.

    A question that names a time is not answered better by what is newer: nearness to that time takes recency's place.
    """
    boosts = {
        "importance": 1 + terms.importance * min(1.0, max(0.0, row.importance)),
        "pinned": 1 + terms.pinned * row.pinned,
    }
    if row.kind in terms.kinds:
        boosts["kind"] = 1 + terms.kinds[Kind(row.kind)]
    if spans:
        boosts["time"] = 1 + TIME * max(_nearness(row.at, span) for span in spans)
    else:
        age_days = max(0.0, (now.timestamp() - row.at) / DAY_S)
        boosts["recency"] = 1 + terms.recency * 0.5 ** (age_days / terms.half_life_days)
    return boosts


def _most(terms: Retrieval, spans: Sequence[Span]) -> float:
    """The most that all boosts together can be."""
    kind = 1 + max([0.0, *terms.kinds.values()])
    return (1 + terms.importance) * (1 + terms.pinned) * kind * (1 + (TIME if spans else terms.recency))


def _nearness(at: float, span: Span) -> float:
    """1 within the span; beyond it half as much for each of its lengths."""
    first, end = span.first.timestamp(), span.end.timestamp()
    if first <= at < end:
        return 1.0
    return float(0.5 ** (max(first - at, at - end) / (end - first)))
