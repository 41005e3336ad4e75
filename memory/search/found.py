"""What a search gives: hits with the reasons of their scores, and the plan by which they were found."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

import orjson


class Strategy(StrEnum):
    """How candidates are found."""

    EXACT = "exact"  # all rows of the scope are compared
    HNSW = "hnsw"  # the nearest by the vector index, and those with the question's rarest words
    WORDS = "words"  # those with the question's rarest words
    RECENCY = "recency"  # the newest


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Where a hit stood in each ranking (1 is first, None is not among the candidates), and what its score is made of.

    The score is `fused`, 0 to 1, times every boost, divided by the most that the boosts can be.
    """

    vector_rank: int | None
    similarity: float | None
    text_rank: int | None
    fused: float
    boosts: dict[str, float]


class Row(NamedTuple):
    """A memory as search reads it: times in seconds since 1970, metadata as JSON."""

    id: uuid.UUID
    kind: str
    pinned: bool
    importance: float
    at: float  # when it became true, or was written where that is not known
    text: str
    state: str
    created: float
    updated: float
    since: float | None
    until: float | None
    metadata: str
    agent_id: str
    app_id: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory that was found; `score` is 0 to 1."""

    id: uuid.UUID
    text: str
    kind: str
    state: str
    created_at: datetime
    updated_at: datetime
    valid_from: datetime | None
    valid_to: datetime | None
    importance: float
    pinned: bool
    metadata: dict[str, Any]
    agent_id: str
    app_id: str
    run_id: str
    score: float
    breakdown: Breakdown

    @classmethod
    def of(cls, row: Row, score: float, breakdown: Breakdown) -> Hit:
        return cls(
            id=row.id,
            text=row.text,
            kind=row.kind,
            state=row.state,
            created_at=_time(row.created),
            updated_at=_time(row.updated),
            valid_from=None if row.since is None else _time(row.since),
            valid_to=None if row.until is None else _time(row.until),
            importance=row.importance,
            pinned=row.pinned,
            metadata=orjson.loads(row.metadata),
            agent_id=row.agent_id,
            app_id=row.app_id,
            run_id=row.run_id,
            score=score,
            breakdown=breakdown,
        )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True, slots=True)
class Plan:
    """How hits were found, and why that way; rows are of the scope, `costs` are expected milliseconds.

    A strategy that can't answer has the cost None. `scope_rows` are the user's active memories, `estimated_rows` what
    the filters were expected to leave of them, `rows` what they did leave.
    """

    strategy: Strategy
    why: str
    scope_rows: int
    estimated_rows: int
    rows: int
    costs: dict[str, float | None]
    rewrites: tuple[str, ...] = ()
    ms: dict[str, float] = field(default_factory=dict)
    is_large: bool = False
    terms: dict[str, float] = field(default_factory=dict)  # the words' expected share of the scope


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, best first; the plan where it was asked for."""

    hits: list[Hit]
    plan: Plan | None = None
