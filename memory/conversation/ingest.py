"""Takes messages in: the rows and their job in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from memory import caching
from memory.errors import NotFoundError
from memory.jobs import submit
from memory.jobs.kinds import PROCESS_MESSAGES
from memory.models import Conversation, Message, Priority
from memory.providers.local.tokens import estimate
from monitoring import metrics
from monitoring.ids import uuid7

# By hand, since this is the hot write, where the ORM takes longer than PostgreSQL.
LOCK_SQL = """
SELECT user_id, length FROM memory_conversation WHERE id = %s AND workspace_id = %s FOR NO KEY UPDATE
"""
INSERT_SQL = """
WITH grown AS (
  UPDATE memory_conversation SET length = %(length)s + %(added)s, updated_at = %(now)s WHERE id = %(conversation)s
)
INSERT INTO memory_message (id, created_at, workspace_id, conversation_id, job_id, position, role, name, content,
  tokens, external_id, recalled, said_at)
SELECT row.id, %(now)s, %(workspace)s, %(conversation)s, %(job)s, %(length)s + row.number, row.role, row.name,
  row.content, row.tokens, row.external_id, row.recalled, row.said_at
FROM unnest(%(ids)s::uuid[], %(roles)s::text[], %(names)s::text[], %(contents)s::text[], %(tokens)s::int[],
  %(external_ids)s::text[], %(recalled)s::bool[], %(said_at)s::timestamptz[]) WITH ORDINALITY
  AS row (id, role, name, content, tokens, external_id, recalled, said_at, number)
"""

_Place = tuple[uuid.UUID, int, uuid.UUID | None]  # of a message: id, position, job


@dataclass(frozen=True, slots=True)
class _Thread:
    """The conversation that is appended to, locked."""

    workspace_id: uuid.UUID
    id: uuid.UUID
    user_id: str
    length: int


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message as it comes in. `external_id` makes posting it again harmless."""

    role: str
    content: str
    external_id: str | None = None
    name: str = ""
    said_at: datetime | None = None
    recalled: bool = False


@dataclass(frozen=True, slots=True)
class Appended:
    """Ids and positions in the order given; `job_id` is the job that processes the last of them."""

    items: list[tuple[uuid.UUID, int]]
    job_id: uuid.UUID | None
    user_id: str
    added: int


def open_conversation(
    *, workspace_id: uuid.UUID, user_id: str, external_id: str | None, **fields: Any
) -> tuple[Conversation, bool]:
    """The conversation with this external id, made when there is none; and whether it was made."""
    if external_id is not None:
        known = Conversation.objects.filter(workspace_id=workspace_id, external_id=external_id).first()
        if known is not None:
            return known, False
    try:
        with transaction.atomic():
            made = Conversation.objects.create(
                workspace_id=workspace_id, user_id=user_id, external_id=external_id, **fields
            )
    except IntegrityError:
        # another request made it between our look and our insert
        return Conversation.objects.get(workspace_id=workspace_id, external_id=external_id), False
    return made, True


def append(
    *,
    workspace_id: uuid.UUID,
    conversation_id: uuid.UUID,
    messages: Sequence[NewMessage],
    now: datetime,
    priority: Priority = Priority.NORMAL,
) -> Appended:
    """Append messages to a conversation, with one job that will process the new ones.

    A message whose external id the conversation has already is answered with the stored one and changes nothing.
    Raises NotFoundError when the workspace has no such conversation.
    """
    with transaction.atomic():
        # the row lock gives positions without gaps, and makes "seen before?" final
        with connection.cursor() as cursor:
            cursor.execute(LOCK_SQL, [conversation_id, workspace_id])
            locked = cursor.fetchone()
        if locked is None:
            raise NotFoundError(f"No conversation {conversation_id} in this workspace.")
        thread = _Thread(workspace_id, conversation_id, *locked)
        appended = _write(thread, messages, now, priority)
        if appended.added:
            transaction.on_commit(lambda: caching.forget_context(workspace_id, thread.user_id))
    metrics.count("messages.posted", appended.added)
    return appended


def _write(thread: _Thread, messages: Sequence[NewMessage], now: datetime, priority: Priority) -> Appended:
    seen = _known(thread, messages)
    first, job_id = thread.length + 1, uuid7()
    items: list[_Place] = []
    fresh: list[tuple[uuid.UUID, NewMessage]] = []
    for message in messages:
        place = seen.get(message.external_id) if message.external_id is not None else None
        if place is None:
            place = (uuid7(), first + len(fresh), job_id)
            fresh.append((place[0], message))
            if message.external_id is not None:
                seen[message.external_id] = place
        items.append(place)
    if fresh:
        last = thread.length + len(fresh)
        _insert(thread, fresh, job_id, now)
        payload = {"conversation": str(thread.id), "first": first, "last": last}
        submit.submit(
            id=job_id,
            kind=PROCESS_MESSAGES,
            workspace_id=thread.workspace_id,
            user_id=thread.user_id,
            payload=payload,
            priority=priority,
            now=now,
        )
    job = items[-1][2] if items else None
    return Appended([(id, position) for id, position, _ in items], job, thread.user_id, len(fresh))


def _known(thread: _Thread, messages: Sequence[NewMessage]) -> dict[str | None, _Place]:
    """Where the conversation's stored messages among these are, by external id."""
    ids = [message.external_id for message in messages if message.external_id is not None]
    if not ids:
        return {}
    stored = Message.objects.filter(conversation_id=thread.id, external_id__in=ids)
    found = stored.values_list("external_id", "id", "position", "job_id")
    return {name: (id, position, job_id) for name, id, position, job_id in found}


def _insert(thread: _Thread, fresh: Sequence[tuple[uuid.UUID, NewMessage]], job_id: uuid.UUID, now: datetime) -> None:
    """The message rows and the conversation's new length, in one round trip."""
    said = [message for _, message in fresh]
    arguments: dict[str, Any] = {
        "workspace": thread.workspace_id,
        "conversation": thread.id,
        "length": thread.length,
        "job": job_id,
        "now": now,
        "added": len(fresh),
        "ids": [id for id, _ in fresh],
        "roles": [message.role for message in said],
        "names": [message.name for message in said],
        "contents": [message.content for message in said],
        "tokens": [estimate(message.content) for message in said],
        "external_ids": [message.external_id for message in said],
        "recalled": [message.recalled for message in said],
        "said_at": [message.said_at or now for message in said],
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT_SQL, arguments)
