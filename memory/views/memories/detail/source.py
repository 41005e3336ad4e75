"""Where a memory was said: its source messages, each with the span that the fact was read from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import reverse

from memory.models import Decision, Memory, Message, State
from memory.views.memories import words
from memory.views.memories.detail.marks import Part, cut

QUOTES: Final = 5
AROUND: Final = 400  # characters shown before and after what was extracted


@dataclass(frozen=True, slots=True)
class Quote:
    """A message, as much of it as is near the span."""

    parts: list[Part]
    conversation: str
    href: str  # empty for who may not read conversations
    position: int
    time: str
    speaker: str
    is_again: bool


def quotes(memory: Memory, decisions: Sequence[Decision], now: datetime, *, may_read: bool) -> list[Quote]:
    """The message that the memory was made of, then those that said it again."""
    spans = {one.message_id: one.span for one in decisions if one.memory_id == memory.pk and one.message_id}
    first = [memory.source] if memory.source is not None else []
    again = [one.message for one in decisions if one.message is not None and one.memory_id == memory.pk]
    is_forgotten = memory.state == State.FORGOTTEN
    return [
        _quote(message, None if is_forgotten else spans.get(message.pk), now, may_read=may_read, is_again=place > 0)
        for place, message in enumerate(_once([*first, *again])[:QUOTES])
    ]


def _once(messages: Iterable[Message]) -> list[Message]:
    return list({message.pk: message for message in messages}.values())


def _quote(message: Message, span: Sequence[int] | None, now: datetime, *, may_read: bool, is_again: bool) -> Quote:
    conversation = message.conversation
    return Quote(
        parts=shown(message.content, span),
        conversation=conversation.external_id or f"c-{conversation.pk.hex[-words.SHORTEST :]}",
        href=reverse("admin:memory_conversation_change", args=[conversation.pk]) if may_read else "",
        position=message.position,
        time=words.exactly(message.said_at, now),
        speaker=message.name or message.role,
        is_again=is_again,
    )


def shown(content: str, span: Sequence[int] | None) -> list[Part]:
    """The span marked in what surrounds it; an ellipsis where a long message was cut."""
    if not span or len(span) != 2 or not 0 <= span[0] < span[1] <= len(content):
        long = len(content) > 2 * AROUND
        return [Part(f"{content[: 2 * AROUND]}…" if long else content, False)] if content else []
    start, end = max(0, span[0] - AROUND), min(len(content), span[1] + AROUND)
    parts = cut(content[start:end], [(span[0] - start, span[1] - start)])
    before, after = [Part("…", False)] * (start > 0), [Part("…", False)] * (end < len(content))
    return [*before, *parts, *after]
