"""Takes messages in: the rows and their job in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from memory import caching
from memory.errors import NotFoundError
from memory.jobs import submit
from memory.jobs.kinds import PROCESS_MESSAGES
from memory.models import Conversation, Message, Priority
from memory.tokens import estimate
from monitoring import metrics
from monitoring.ids import uuid7


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
        conversation = (
            Conversation.objects.select_for_update(no_key=True)
            .only("user_id", "length")
            .filter(pk=conversation_id, workspace_id=workspace_id)
            .first()
        )
        if conversation is None:
            raise NotFoundError(f"No conversation {conversation_id} in this workspace.")
        appended = _write(conversation, workspace_id, messages, now, priority)
        if appended.added:
            transaction.on_commit(lambda: caching.forget_context(workspace_id, conversation.user_id))
    metrics.count("messages.posted", appended.added)
    return appended


def _write(
    conversation: Conversation,
    workspace_id: uuid.UUID,
    messages: Sequence[NewMessage],
    now: datetime,
    priority: Priority,
) -> Appended:
    seen = _known(conversation, messages)
    first = conversation.length + 1
    job_id = uuid7()
    items: list[tuple[uuid.UUID, int, uuid.UUID | None]] = []
    fresh: list[Message] = []
    for message in messages:
        row = seen.get(message.external_id) if message.external_id is not None else None
        if row is None:
            row = _row(message, workspace_id, conversation.pk, first + len(fresh), job_id, now)
            fresh.append(row)
            if message.external_id is not None:
                seen[message.external_id] = row
        items.append((row.pk, row.position, row.job_id))
    if fresh:
        Message.objects.bulk_create(fresh)
        last = first + len(fresh) - 1
        Conversation.objects.filter(pk=conversation.pk).update(length=last, updated_at=now)
        payload = {"conversation": str(conversation.pk), "first": first, "last": last}
        submit.submit(
            id=job_id,
            kind=PROCESS_MESSAGES,
            workspace_id=workspace_id,
            user_id=conversation.user_id,
            payload=payload,
            priority=priority,
            now=now,
        )
    job = items[-1][2] if items else None
    return Appended([(pk, position) for pk, position, _ in items], job, conversation.user_id, len(fresh))


def _known(conversation: Conversation, messages: Sequence[NewMessage]) -> dict[str | None, Message]:
    """The conversation's stored messages among these, by external id."""
    ids = [message.external_id for message in messages if message.external_id is not None]
    if not ids:
        return {}
    stored = Message.objects.filter(conversation=conversation, external_id__in=ids)
    return {row.external_id: row for row in stored.only("position", "external_id", "job_id")}


def _row(
    message: NewMessage,
    workspace_id: uuid.UUID,
    conversation_id: uuid.UUID,
    position: int,
    job_id: uuid.UUID,
    now: datetime,
) -> Message:
    return Message(
        workspace_id=workspace_id,
        conversation_id=conversation_id,
        position=position,
        role=message.role,
        name=message.name,
        content=message.content,
        tokens=estimate(message.content),
        external_id=message.external_id,
        recalled=message.recalled,
        said_at=message.said_at or now,
        job_id=job_id,
    )
