"""The JSON shapes of the API: memories and how they are found."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import AwareDatetime, Field

from memory.api.schemas.base import (
    FactText,
    Id,
    In,
    Metadata,
    OptionalId,
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
