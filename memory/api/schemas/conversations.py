"""The JSON shapes of the API: conversations, messages, contexts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AwareDatetime, Field

from memory.api.schemas.base import (
    MESSAGES,
    Content,
    Id,
    In,
    Metadata,
    OptionalId,
    Query,
)
from memory.models import Role


class ConversationIn(In):
    user_id: Id
    external_id: Id | None = None
    agent_id: OptionalId = ""
    app_id: OptionalId = ""
    run_id: OptionalId = ""
    metadata: Metadata = Field(default_factory=dict)


class ConversationChange(In):
    metadata: Metadata


class ConversationOut(Schema):
    id: UUID
    external_id: str | None
    user_id: str
    agent_id: str
    app_id: str
    run_id: str
    metadata: dict[str, Any]
    length: int
    summary: str
    summary_through: int
    summary_version: int
    created_at: datetime
    updated_at: datetime


class SummaryOut(Schema):
    """The rolling summary: it reaches the message at position `through`; `stale_by` messages came after it."""

    text: str
    version: int
    through: int
    stale_by: int
    tokens: int
    updated_at: datetime


class QueueOut(Schema):
    """What waits to be folded into the summary: `used` and `until_fold` are shares, 0 to 1 (`used` may pass it)."""

    state: Literal["empty", "filling", "due"]
    messages: int
    tokens: int
    window_tokens: int
    window_messages: int
    used: float
    fold_above: float
    keep: float
    until_fold: float
    tokens_until_fold: int
    length: int
    summary_version: int
    summary_through: int
    summary_tokens: int


class MessageIn(In):
    role: Role
    content: Content
    external_id: Id | None = None
    name: OptionalId = ""
    created_at: AwareDatetime | None = None
    recalled: bool = False


class MessagesIn(In):
    messages: Annotated[list[MessageIn], Field(min_length=1, max_length=MESSAGES)]


class Position(Schema):
    id: UUID
    position: int


class Appended(Schema):
    items: list[Position]
    job_id: UUID | None


class MessageOut(Schema):
    id: UUID
    external_id: str | None
    position: int
    role: str
    name: str
    content: str
    tokens: int
    recalled: bool
    created_at: datetime = Field(alias="said_at")
    processed_at: datetime | None


class ContextIn(In):
    user_id: Id
    conversation_id: UUID | None = None
    query: Query | None = None
    budget_tokens: Annotated[
        int | None, Field(ge=1, le=200_000, description="What the workspace's settings say when left out.")
    ] = None
    explain: bool = False
    variant: Annotated[
        Literal["plain", "enhanced"] | None, Field(description="What the flag enhanced_prompts says when left out.")
    ] = None


class PartOut(Schema):
    kind: str
    id: UUID
    text: str
    tokens: int


class ContextOut(Schema):
    text: str
    tokens: int
    parts: list[PartOut]
    variant: str
    degraded: bool
    reasons: list[str]
    explain: dict[str, Any] | None = None
