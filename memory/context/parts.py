"""What a context is made of, and made from."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the context: `kind` is memory, summary or message."""

    kind: str
    id: uuid.UUID
    text: str
    tokens: int


@dataclass(slots=True)
class Context:
    """The context as text and as parts; `tokens` is what the whole text counts, never over the budget."""

    text: str
    tokens: int
    parts: list[Part]
    variant: str = "plain"
    degraded: bool = False
    reasons: list[str] = field(default_factory=list)
    explain: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A memory that may be told: what it is about, since when it holds, and what held before it."""

    id: uuid.UUID
    text: str
    kind: str = ""
    since: datetime | None = None
    is_pinned: bool = False
    before: str = ""


@dataclass(frozen=True, slots=True)
class Thread:
    """What the context needs of a conversation: its summary, and the messages that the summary does not cover."""

    id: uuid.UUID | None = None
    summary: str = ""
    messages: Sequence[tuple[uuid.UUID, str, str, str]] = ()  # id, role, name, content; newest first


def as_json(context: Context) -> bytes:
    """The context as it is answered, and cached."""
    # orjson reads dataclasses itself: asdict would copy each id deeply, which took a third of an uncached answer
    return orjson.dumps(context, option=orjson.OPT_UTC_Z)
