"""The JSON shapes of the API: jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from memory.api.schemas.base import (
    STORABLE,
    In,
    OptionalId,
    Reason,
    _storable_json,
)
from memory.models import Priority


def level_of(value: Any) -> Priority:
    """A priority by its name or number. Raises ValueError with what there is."""
    names = {priority.name.lower(): priority for priority in Priority}
    if isinstance(value, str) and value.lower() in names:
        return names[value.lower()]
    if isinstance(value, (int, str)) and not isinstance(value, bool) and str(value) in {"0", "1", "2", "3", "4"}:
        return Priority(int(value))
    raise ValueError(f"must be one of {', '.join(names)}, or 0 to 4")


class JobIn(In):
    kind: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    user_id: OptionalId = ""
    payload: Annotated[dict[str, Any], AfterValidator(_storable_json)] = Field(default_factory=dict)
    priority: Annotated[Priority | None, BeforeValidator(lambda value: None if value is None else level_of(value))] = (
        Field(None, description="A name, or 0 (critical) to 4 (bulk); the kind's own when left out.")
    )
    key: Annotated[str, StringConstraints(max_length=100), STORABLE] = ""


class JobChange(In):
    reason: Reason = ""


class JobEvent(Schema):
    at: datetime
    event: str
    why: str = ""
    by: str = ""


class JobOut(Schema):
    id: UUID
    kind: str
    user_id: str
    state: str
    priority: str
    attempts: int
    error: str | None
    created_at: datetime
    available_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None
    history: list[JobEvent]

    @staticmethod
    def resolve_priority(job: Any) -> str:
        return str(Priority(job.priority).name.lower())

    @staticmethod
    def resolve_error(job: Any) -> str | None:
        return job.error or None


class LevelOut(Schema):
    """One priority of the queue; rates are jobs per second over the last minute."""

    priority: int
    name: str
    depth: int
    running: int
    oldest_s: float
    in_rate: float
    out_rate: float
    refused: int
    drain_s: float | None


class JobStats(Schema):
    levels: list[LevelOut]


class KindOut(Schema):
    """`concurrency` is how many run at once, null without a bound; `scope` is what a key needs to submit it."""

    name: str
    title: str
    scope: str
    needs_user: bool
    priority: str
    time_limit_s: float
    attempts: int
    concurrency: int | None
    payload: dict[str, Any]


class Kinds(Schema):
    items: list[KindOut]
    next: None = None
