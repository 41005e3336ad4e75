"""Reads what a context is made from: a conversation's end, and the memories that nobody need search for."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import partial
from typing import Final

from django.db import connection

from memory import caching
from memory.context.parts import Known, Thread
from memory.errors import NotFoundError
from memory.models import Memory

PINNED: Final = 20
RECENT: Final = 200  # messages considered

# By hand, since this is the hot read: the ORM takes longer to write these two than PostgreSQL to answer them.
# One row per message, newest first by the unique index (conversation, position); one row of nulls where there is none.
THREAD_SQL = """
SELECT c.summary, m.id, m.role, m.name, m.content
FROM memory_conversation c
LEFT JOIN LATERAL (
  SELECT id, role, name, content, position FROM memory_message
  WHERE conversation_id = c.id AND position > c.summary_through
  ORDER BY position DESC LIMIT %s
) AS m ON true
WHERE c.id = %s AND c.workspace_id = %s AND c.user_id = %s
ORDER BY m.position DESC
"""
# The few pinned rows of one user, by the partial index memory_pinned.
PINNED_SQL = """
SELECT id, text, kind, valid_from FROM memory_memory
WHERE workspace_id = %s AND user_id = %s AND state = 'active' AND pinned AND (expires_at IS NULL OR expires_at > %s)
ORDER BY importance DESC, id DESC
LIMIT %s
"""

Rows = tuple[str, list[tuple[uuid.UUID, str, str, str]]]


def thread(workspace_id: uuid.UUID, user_id: str, conversation_id: uuid.UUID | None) -> Thread:
    """The conversation's end. Raises NotFoundError for one that is not this user's."""
    if conversation_id is None:
        return Thread()
    rows = partial(read_thread, workspace_id, user_id, conversation_id)
    summary, messages = caching.conversation(workspace_id, user_id, conversation_id, rows)
    return Thread(conversation_id, summary, messages)


def read_thread(workspace_id: uuid.UUID, user_id: str, conversation_id: uuid.UUID) -> Rows:
    """The same from the rows."""
    with connection.cursor() as cursor:
        cursor.execute(THREAD_SQL, [RECENT, conversation_id, workspace_id, user_id])
        rows = cursor.fetchall()
    if not rows:
        raise NotFoundError(f"No conversation {conversation_id} of user {user_id!r} in this workspace.")
    return rows[0][0], [row[1:] for row in rows if row[1] is not None]


def pinned(workspace_id: uuid.UUID, user_id: str, now: datetime) -> list[Known]:
    """What is always told, the most important first."""
    with connection.cursor() as cursor:
        cursor.execute(PINNED_SQL, [workspace_id, user_id, now, PINNED])
        return [Known(*row) for row in cursor.fetchall()]


def newest(workspace_id: uuid.UUID, user_id: str, now: datetime, limit: int) -> list[Known]:
    """What is told where there is nothing to search for."""
    mine = Memory.objects.of(workspace_id, user_id).active().unexpired(now).order_by("-id")
    return [Known(*row) for row in mine.values_list("id", "text", "kind", "valid_from")[:limit]]
