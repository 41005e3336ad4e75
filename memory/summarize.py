"""Folds messages that leave the window into the conversation's rolling summary."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from memory.models import Conversation, Message
from memory.providers.base import Said, Summarizer

FOLD_ABOVE, KEEP = 0.7, 0.4  # shares of the window: fold when it is fuller than the one, down to the other


@dataclass(frozen=True, slots=True)
class Fold:
    """A summary that reaches `through`, made from version `version` of the one before."""

    conversation_id: uuid.UUID
    summary: str
    through: int
    version: int


def fold(*, conversation_id: uuid.UUID, summarizer: Summarizer, window_tokens: int, summary_tokens: int) -> Fold | None:
    """What the summary should become; None while the window is not full. Writes nothing.

    Every message is either beyond `through`, and so in the window, or folded in: none is lost between the two.
    """
    conversation = Conversation.objects.only("summary", "summary_through", "summary_version").get(pk=conversation_id)
    window = Message.objects.filter(conversation_id=conversation_id, position__gt=conversation.summary_through)
    sizes = list(window.order_by("position").values_list("position", "tokens"))
    through = _through(sizes, window_tokens)
    if through is None:
        return None
    leaving = window.filter(position__lte=through).order_by("position")
    said = [Said(row.role, row.content, row.said_at, row.name, row.recalled) for row in leaving]
    summary = summarizer.summarize(conversation.summary, said, budget_tokens=summary_tokens)
    return Fold(conversation_id, summary, through, conversation.summary_version)


def write(fold: Fold, *, now: datetime) -> bool:
    """Store the fold; False, and nothing changed, when another was written since it was made."""
    unchanged = Conversation.objects.filter(pk=fold.conversation_id, summary_version=fold.version)
    return bool(
        unchanged.update(
            summary=fold.summary, summary_through=fold.through, summary_version=fold.version + 1, updated_at=now
        )
    )


def _through(sizes: list[tuple[int, int]], window_tokens: int) -> int | None:
    """The last position to fold so that at most KEEP of the window stays, and at least the newest message."""
    total = sum(tokens for _, tokens in sizes)
    if total <= FOLD_ABOVE * window_tokens:
        return None
    through = None
    for position, tokens in sizes[:-1]:
        if total <= KEEP * window_tokens:
            break
        total -= tokens
        through = position
    return through
