"""The JSON shapes of the API: memories and how they are found."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AwareDatetime, Field

from memory.api.schemas.base import (
    FactText,
    Id,
    In,
    Metadata,
    OptionalId,
    Query,
    Reason,
)
from memory.models import Kind


class MemoryIn(In):
    user_id: Id
    text: FactText
    infer: bool = True
    kind: Kind | None = None
    agent_id: OptionalId = ""
    app_id: OptionalId = ""
    run_id: OptionalId = ""
    metadata: Metadata = Field(default_factory=dict)


class MemoryChange(In):
    text: FactText | None = None
    kind: Kind | None = None
    importance: Annotated[float, Field(ge=0, le=1)] | None = None
    pinned: bool | None = None
    metadata: Metadata | None = None
    expires_at: AwareDatetime | None = None
    reason: Reason = ""


class MemoryOut(Schema):
    id: UUID
    text: str
    kind: str
    state: str
    replaced_by: UUID | None = Field(alias="replaced_by_id")
    user_id: str
    agent_id: str
    app_id: str
    run_id: str
    metadata: dict[str, Any]
    importance: float
    pinned: bool
    source_message_id: UUID | None = Field(alias="source_id")
    version: int
    valid_from: datetime | None
    valid_to: datetime | None
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Submitted(Schema):
    """`reasons` say why the job will find nothing to do, where that is known already."""

    job_id: UUID
    reasons: list[str] = Field(default_factory=list)


class RevisionOut(Schema):
    number: int
    text: str
    cause: str
    actor: str
    reason: str
    created_at: datetime


class FiltersIn(In):
    kind: list[Kind] | None = None
    agent_id: Id | None = None
    metadata: Metadata | None = None


class SearchIn(In):
    user_id: Id
    query: Query
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    filters: FiltersIn | None = None
    explain: bool = False


class HitOut(Schema):
    id: UUID
    text: str
    kind: str
    state: Literal["active"] = "active"
    score: float
    user_id: str
    agent_id: str
    app_id: str
    run_id: str
    metadata: dict[str, Any]
    importance: float
    pinned: bool
    valid_from: datetime | None
    created_at: datetime
    updated_at: datetime
    explain: dict[str, float | int | None] | None = None


class Hits(Schema):
    items: list[HitOut]
    next: None = None
    degraded: bool = False
    reasons: list[str] = Field(default_factory=list)
