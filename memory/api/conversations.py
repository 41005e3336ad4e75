"""Conversations and their messages."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from ninja import Header, Query, Router, Status

from memory import access, caching, tuning
from memory.api.auth import caller
from memory.api.pages import Cursor, Limit, newest_first
from memory.api.schemas import (
    Appended,
    ConversationChange,
    ConversationIn,
    ConversationOut,
    MessageIn,
    MessageOut,
    MessagesIn,
    Page,
    QueueOut,
    Submitted,
    SummaryOut,
)
from memory.conversation import ingest
from memory.conversation.queue import Queue, queue
from memory.errors import NotFoundError
from memory.jobs.delivery import hints
from memory.jobs.submit import submit
from memory.models import Conversation, Message, Scope
from memory.providers.local.tokens import estimate

router = Router(tags=["conversations"])

IdempotencyKey = Annotated[
    str | None,
    Header(None, alias="Idempotency-Key", max_length=180, description="Makes posting the same again harmless."),
]


@router.post("", response={200: ConversationOut, 201: ConversationOut}, url_name="conversations")
def create_conversation(request: HttpRequest, body: ConversationIn) -> Status[Any]:
    """Open a conversation. The same `external_id` again answers 200 with the same one, unchanged."""
    who = caller(request, Scope.WRITE)
    conversation, made = ingest.open_conversation(workspace_id=who.workspace_id, **body.dict())
    return Status(201 if made else 200, conversation)


@router.get("", response=Page[ConversationOut], url_name="conversations")
def list_conversations(
    request: HttpRequest, limit: Limit, cursor: Cursor, user_id: Annotated[str | None, Query(None)] = None
) -> dict[str, Any]:
    """Conversations, newest first."""
    rows = access.rows(Conversation, caller(request))
    return newest_first(rows if user_id is None else rows.filter(user_id=user_id), cursor=cursor, limit=limit)


@router.get("/{id}", response=ConversationOut, url_name="conversation")
def get_conversation(request: HttpRequest, id: UUID) -> Conversation:
    """One conversation with its rolling summary and the position that the summary reaches."""
    return access.find(Conversation, caller(request), id)


@router.patch("/{id}", response=ConversationOut, url_name="conversation")
def update_conversation(request: HttpRequest, id: UUID, body: ConversationChange) -> Conversation:
    """Replace a conversation's metadata."""
    conversation = access.find(Conversation, caller(request, Scope.WRITE), id)
    conversation.metadata = body.metadata
    conversation.save(update_fields=["metadata", "updated_at"])
    return conversation


@router.delete("/{id}", response={204: None}, url_name="conversation")
def delete_conversation(request: HttpRequest, id: UUID) -> Status[Any]:
    """Delete a conversation with its messages. What was remembered from it stays; forget that by its own id."""
    who = caller(request, Scope.WRITE)
    conversation = access.find(Conversation, who, id)
    conversation.delete()
    transaction.on_commit(partial(caching.forget_context, who.workspace_id, conversation.user_id))
    return Status(204, None)


@router.post("/{id}/messages", response={202: Appended}, url_name="messages")
def append_messages(
    request: HttpRequest, id: UUID, body: MessagesIn, idempotency_key: IdempotencyKey = None
) -> Status[Any]:
    """Append one message or up to 1,000. They are in the context at once; memories follow when the job is done.

    A message with an `external_id` that the conversation has changes nothing and is answered with the stored one.
    With an `Idempotency-Key`, messages without an external id get one from it.
    """
    who = caller(request, Scope.WRITE)
    messages = [_message(message, place, idempotency_key) for place, message in enumerate(body.messages)]
    appended = ingest.append(workspace_id=who.workspace_id, conversation_id=id, messages=messages, now=timezone.now())
    if appended.added:
        transaction.on_commit(hints.wake)
    items = [{"id": pk, "position": position} for pk, position in appended.items]
    return Status(202, {"items": items, "job_id": appended.job_id})


@router.get("/{id}/messages", response=Page[MessageOut], url_name="messages")
def list_messages(request: HttpRequest, id: UUID, limit: Limit, cursor: Cursor) -> dict[str, Any]:
    """A conversation's messages, newest first."""
    who = caller(request)
    conversation = access.find(Conversation, who, id)
    return newest_first(access.rows(Message, who).filter(conversation=conversation), cursor=cursor, limit=limit)


@router.get("/{id}/summary", response=SummaryOut, url_name="conversation_summary")
def get_summary(request: HttpRequest, id: UUID) -> dict[str, Any]:
    """The rolling summary of a conversation, and how far it reaches."""
    of = access.find(Conversation, caller(request), id)
    return {
        "text": of.summary,
        "version": of.summary_version,
        "through": of.summary_through,
        "stale_by": of.length - of.summary_through,
        "tokens": estimate(of.summary),
        "updated_at": of.updated_at,
    }


@router.post("/{id}/summary/refresh", response={202: Submitted}, url_name="refresh_conversation_summary")
def refresh_summary(request: HttpRequest, id: UUID) -> Status[Any]:
    """Have the summary made anew by today's summarizer, from the first message on. One such job waits at a time."""
    who = caller(request, Scope.WRITE)
    of = access.find(Conversation, who, id)
    job = submit(
        kind="refresh_summary",
        workspace_id=who.workspace_id,
        user_id=of.user_id,
        payload={"conversation": str(of.pk)},
        key=str(of.pk),
        now=timezone.now(),
    )
    transaction.on_commit(hints.wake)
    return Status(202, {"job_id": job.pk})


@router.get("/{id}/queue", response=QueueOut, url_name="conversation_queue")
def get_queue(request: HttpRequest, id: UUID) -> Queue:
    """The state of the conversation's context queue: how full its window is, and how much is left until it folds."""
    who = caller(request)
    of = access.find(Conversation, who, id)
    found = queue(of.pk, tuning.current(who.workspace_id).window, estimate)
    if found is None:
        raise NotFoundError(f"No conversation {id} in this workspace.")
    return found


def _message(message: MessageIn, place: int, idempotency_key: str | None) -> ingest.NewMessage:
    external_id = message.external_id
    if external_id is None and idempotency_key:
        external_id = f"{idempotency_key}:{place}"
    return ingest.NewMessage(
        role=message.role.value,
        content=message.content,
        external_id=external_id,
        name=message.name,
        said_at=message.created_at,
        recalled=message.recalled,
    )
