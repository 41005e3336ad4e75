"""The JSON shapes of the API: how memories are found."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

from memory.api.schemas.base import Id, In, Query

FILTERS: dict[str, Any] = {
    "AND": [
        {"kind": ["health", "constraint"]},
        {"importance": {"gte": 0.5}},
        {"NOT": [{"metadata.source": "import"}]},
    ]
}
ABOUT_FILTERS = (
    "Fields (id, kind, state, text, user_id, agent_id, app_id, run_id, pinned, importance, version, created_at, "
    "updated_at, valid_from, valid_to, expires_at, replaced_by, source_message_id, metadata.KEY) with a value, a list "
    "of values, or operators: eq, ne, in, gt, gte, lt, lte, contains, exists; AND, OR and NOT take lists of filters. "
    "Active, unexpired memories, unless a filter speaks of state or expires_at."
)


class SearchIn(In):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"user_id": "mara", "query": "What can she not eat?", "limit": 5, "filters": FILTERS}
        },
    )

    user_id: Id
    query: Query
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    filters: Annotated[dict[str, Any] | None, Field(description=ABOUT_FILTERS, examples=[FILTERS])] = None
    explain: bool = False


class BreakdownOut(Schema):
    """Places in the rankings, 1 being first; the score is `fused` times all boosts, divided by the most they can be."""

    vector_rank: int | None
    similarity: float | None
    text_rank: int | None
    fused: float
    boosts: dict[str, float]


class HitOut(Schema):
    id: UUID
    text: str
    kind: str
    state: str
    score: float
    user_id: str
    agent_id: str
    app_id: str
    run_id: str
    metadata: dict[str, Any]
    importance: float
    pinned: bool
    valid_from: datetime | None
    valid_to: datetime | None
    created_at: datetime
    updated_at: datetime
    explain: BreakdownOut | None = None


class PlanOut(Schema):
    """How it was looked for: `costs` are expected milliseconds, null where a strategy can't answer; `ms` the real ones.

    `scope_rows` are the user's active memories, `estimated_rows` what the filters were expected to leave of them, and
    `rows` what they left. `terms` are the words' expected shares.
    """

    strategy: str
    why: str
    scope_rows: int
    estimated_rows: int
    rows: int
    is_large: bool
    costs: dict[str, float | None]
    ms: dict[str, float]
    rewrites: list[str]
    terms: dict[str, float]


HIT: dict[str, Any] = {
    "id": "01989d6b-5b1e-7c3a-9d52-2a4f6f0f3b11",
    "text": "Is allergic to peanuts",
    "kind": "health",
    "state": "active",
    "score": 0.86,
    "user_id": "mara",
    "agent_id": "",
    "app_id": "",
    "run_id": "",
    "metadata": {},
    "importance": 0.9,
    "pinned": False,
    "valid_from": "2026-05-09T18:04:11Z",
    "valid_to": None,
    "created_at": "2026-05-09T18:04:12Z",
    "updated_at": "2026-05-09T18:04:12Z",
    "explain": None,
}


class Hits(Schema):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {"items": [HIT], "next": None, "plan": None, "degraded": False, "reasons": []},
        }
    )

    items: list[HitOut]
    next: None = None
    plan: PlanOut | None = None
    degraded: bool = False
    reasons: list[str] = Field(default_factory=list)
