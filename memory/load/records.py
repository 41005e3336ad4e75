"""What a file holds: turns, and records that can't be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from memory.conversation.ingest import NewMessage
from memory.models import ID_LENGTH, Role

CONTENT_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True)
class Turn:
    """One message with the conversation that it belongs to."""

    conversation: str
    user_id: str
    message: NewMessage


@dataclass(frozen=True, slots=True)
class Bad:
    """A record that was left out: where it stands and what is wrong with it."""

    where: str
    reason: str


Records = Iterator[Turn | Bad]


def turn(
    *,
    where: str,
    conversation: str,
    user_id: str,
    role: Any,
    content: Any,
    external_id: str,
    name: Any = "",
    created_at: Any = None,
    recalled: Any = False,
) -> Turn | Bad:
    """A Turn of values as they stand in a file, or a Bad that names the first that does not fit."""
    if role not in Role.values:
        return Bad(where, f"role must be one of {', '.join(Role.values)}, got {role!r:.60}")
    if not isinstance(content, str) or not content.strip():
        return Bad(where, "content must be a text that is not empty")
    if (size := len(content.encode(errors="replace"))) > CONTENT_BYTES:
        return Bad(where, f"content must be at most {CONTENT_BYTES:,} bytes, got {size:,}")
    said_at = moment(created_at)
    if created_at is not None and said_at is None:
        return Bad(where, f"created_at must be RFC 3339 or seconds since 1970, got {created_at!r:.60}")
    for field, value in (("conversation", conversation), ("user_id", user_id), ("external_id", external_id)):
        if not value or len(value) > ID_LENGTH:
            return Bad(where, f"{field} must have 1 to {ID_LENGTH} characters")
    # PostgreSQL can't store U+0000, and a lone surrogate is no Unicode text
    clean = content.replace("\x00", "").encode(errors="replace").decode()
    message = NewMessage(str(role), clean, external_id, str(name or "")[:ID_LENGTH], said_at, bool(recalled))
    return Turn(conversation, user_id, message)


def moment(value: Any) -> datetime | None:
    """A time as exports write it: seconds since 1970, or ISO 8601 (UTC where it names no zone); None if neither."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            read = datetime.fromisoformat(value)
            return read if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
