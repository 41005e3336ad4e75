"""The JSON shapes of the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

import orjson
from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field, StringConstraints

from memory.models import ID_LENGTH, Kind, Priority, Role

CONTENT_BYTES = 32 * 1024
TEXT_BYTES = 4 * 1024
METADATA_BYTES = 16 * 1024
MESSAGES = 1000


def _storable(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain the character U+0000, which PostgreSQL can't store")
    return value


def _at_most(limit: int) -> AfterValidator:
    def check(value: str) -> str:
        if (size := len(value.encode())) > limit:
            raise ValueError(f"must be at most {limit:,} bytes of UTF-8, got {size:,}")
        return value

    return AfterValidator(check)


def _storable_json(value: dict[str, Any]) -> dict[str, Any]:
    try:
        encoded = orjson.dumps(value)
    except TypeError:
        raise ValueError("must be plain JSON with text that is valid UTF-8") from None
    if b"\\u0000" in encoded:
        raise ValueError("must not contain the character U+0000, which PostgreSQL can't store")
    return value


def _small(value: dict[str, Any]) -> dict[str, Any]:
    if (size := len(orjson.dumps(_storable_json(value)))) > METADATA_BYTES:
        raise ValueError(f"must be at most {METADATA_BYTES:,} bytes as JSON, got {size:,}")
    return value


STORABLE = AfterValidator(_storable)
# constraints first: they trim what the checks then see
Id = Annotated[str, StringConstraints(min_length=1, max_length=ID_LENGTH, strip_whitespace=True), STORABLE]
OptionalId = Annotated[str, StringConstraints(max_length=ID_LENGTH, strip_whitespace=True), STORABLE]
Content = Annotated[str, StringConstraints(min_length=1), STORABLE, _at_most(CONTENT_BYTES)]
FactText = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True), STORABLE, _at_most(TEXT_BYTES)]
Query = Annotated[str, StringConstraints(max_length=4000), STORABLE]
Reason = Annotated[str, StringConstraints(max_length=500), STORABLE]
Metadata = Annotated[dict[str, Any], AfterValidator(_small)]

Item = TypeVar("Item")


class Page(Schema, Generic[Item]):
    """A page of a list; `next` is the cursor of the page after it, null on the last one."""

    items: list[Item]
    next: str | None = None


class In(Schema):
    """What a client sends: a field that is not known is an error, not ignored."""

    model_config = ConfigDict(extra="forbid")


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
    created_at: datetime
    updated_at: datetime


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


class ContextIn(In):
    user_id: Id
    conversation_id: UUID | None = None
    query: Query | None = None
    budget_tokens: Annotated[int, Field(ge=1, le=200_000)] = 2000
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
