"""Reads what a context is made from: a conversation's end, what is always told, and what a memory replaced."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db import connection

from memory import caching
from memory.context.parts import Known, Thread
from memory.conversation import summarize
from memory.errors import NotFoundError

PINNED: Final = 20
RECENT: Final = summarize.MESSAGES  # messages considered: all that a window holds

# By hand, since this is the hot read: the ORM takes longer to write these two than PostgreSQL to answer them.
# One row per message, newest first by the unique index (conversation, position); one row of nulls where there is none.
THREAD_SQL = """
SELECT c.summary, m.id, m.role, m.name, m.content
FROM memory_conversation c
LEFT JOIN LATERAL (
  SELECT id, role, name, content, position FROM memory_message
  WHERE conversation_id = c.id AND position > c.summary_through
    -- what an application put in out of memory is told as memory, as it is now
    AND NOT (recalled AND role IN ('system', 'tool'))
  ORDER BY position DESC LIMIT %s
) AS m ON true
WHERE c.id = %s AND c.workspace_id = %s AND c.user_id = %s
ORDER BY m.position DESC
"""
# The few pinned rows of one user, by the partial index memory_pinned; then, for these and for the memories that were
# found, the fact that each replaced last, by the index on replaced_by: one row per memory that is pinned or has one.
PINNED_SQL = """
WITH pins AS MATERIALIZED (
  SELECT id, text, kind, valid_from FROM memory_memory
  WHERE workspace_id = %(workspace)s AND user_id = %(user)s AND state = 'active' AND pinned
    AND (expires_at IS NULL OR expires_at > %(now)s)
  ORDER BY importance DESC, id DESC
  LIMIT %(most)s
)
SELECT of.id, of.text, of.kind, of.valid_from, coalesce(was.text, '')
FROM (
  SELECT * FROM pins
  UNION ALL
  SELECT found.id, NULL, NULL, NULL FROM unnest(%(found)s::uuid[]) AS found (id)
  WHERE found.id NOT IN (SELECT id FROM pins)
) AS of
LEFT JOIN LATERAL (
  SELECT text FROM memory_memory WHERE replaced_by_id = of.id AND state = 'superseded' AND text <> ''
  ORDER BY valid_to DESC NULLS LAST, id DESC LIMIT 1
) AS was ON true
WHERE of.text IS NOT NULL OR was.text IS NOT NULL
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


def with_pinned(workspace_id: uuid.UUID, user_id: str, found: Sequence[Known], now: datetime) -> list[Known]:
    """What is always told, the most important first, then what was found, each once and with what it replaced."""
    arguments: dict[str, Any] = {
        "workspace": workspace_id,
        "user": user_id,
        "now": now,
        "most": PINNED,
        "found": [known.id for known in found],
    }
    pins: dict[uuid.UUID, Known] = {}
    before: dict[uuid.UUID, str] = {}
    with connection.cursor() as cursor:
        cursor.execute(PINNED_SQL, arguments)
        for id, text, kind, since, was in cursor.fetchall():
            if text is None:
                before[id] = was
            else:
                pins[id] = Known(id, text, kind, since, is_pinned=True, before=was)
    rest = [known for known in found if known.id not in pins]
    return [
        *pins.values(),
        *(replace(known, before=before[known.id]) if known.id in before else known for known in rest),
    ]
