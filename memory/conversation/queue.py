"""The context queue of a conversation: how full its window is, and how much is left until it folds."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection

from memory.conversation.summarize import MESSAGES
from memory.tuning.terms import Window as Limits

# One range of the unique index (conversation, position), from its end and no further than a window reaches.
QUEUE_SQL = """
SELECT of.length, of.summary_through, of.summary_version, of.summary, tail.tokens
FROM memory_conversation AS of
CROSS JOIN LATERAL (
  SELECT coalesce(sum(tokens), 0)::int AS tokens
  FROM (
    SELECT tokens FROM memory_message WHERE conversation_id = of.id AND position > of.summary_through
    ORDER BY position DESC LIMIT %s
  ) AS newest
) AS tail
WHERE of.id = %s
"""


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits to be folded. Where more messages wait than a window reaches, its tokens are those of the newest."""

    messages: int
    tokens: int
    window_tokens: int
    window_messages: int
    fold_above: float
    keep: float
    summary_version: int
    summary_through: int
    summary_tokens: int
    length: int

    @property
    def used(self) -> float:
        """The share of the window that is taken, by tokens or by messages, whichever is more; over 1 until it folds."""
        return round(max(self.tokens / self.window_tokens, self.messages / self.window_messages), 4)

    @property
    def until_fold(self) -> float:
        """The share of the way to the next fold that is left: 1 for an empty window, 0 where it is due."""
        return round(max(0.0, 1 - self.used / self.fold_above), 4) if self.fold_above else 0.0

    @property
    def tokens_until_fold(self) -> int:
        """Tokens that may still come before it folds."""
        return max(0, int(self.fold_above * self.window_tokens) - self.tokens)

    @property
    def state(self) -> str:
        """empty, filling, or due: a worker folds it with the next message that it processes, or is about to."""
        if not self.messages:
            return "empty"
        return "due" if self.used > self.fold_above else "filling"


def queue(conversation_id: uuid.UUID, limits: Limits, count: Callable[[str], int]) -> Queue | None:
    """The state of the conversation's queue; `count` counts the summary's tokens. None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(QUEUE_SQL, [MESSAGES, conversation_id])
        row = cursor.fetchone()
    if row is None:
        return None
    length, through, version, summary, tokens = row
    return Queue(
        messages=length - through,
        tokens=tokens,
        window_tokens=limits.tokens,
        window_messages=MESSAGES,
        fold_above=limits.fold_above,
        keep=limits.keep,
        summary_version=version,
        summary_through=through,
        summary_tokens=count(summary),
        length=length,
    )
