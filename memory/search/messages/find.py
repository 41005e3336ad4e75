"""Finds what was said: messages that answer a question, best first."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from memory.errors import InvalidError, NotFoundError
from memory.models import Conversation, Message
from memory.providers.base import Embedded
from memory.search.messages import large, question, read, score
from memory.search.messages.fuse import Fused, fuse
from memory.search.messages.question import Question
from memory.search.messages.scope import MOST, Scope
from memory.tuning.terms import MessageSearch

Embed = Callable[[Sequence[str]], Embedded]


@dataclass(frozen=True, slots=True)
class MessageHit:
    """A message that was found. `score` is 0 to 1, the sum of what each sign `added`."""

    id: uuid.UUID
    external_id: str | None
    conversation_id: uuid.UUID
    position: int
    role: str
    name: str
    content: str
    said_at: datetime
    score: float
    added: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FoundMessages:
    """Hits, best first, and why the question's vector is second best (empty where it isn't)."""

    hits: list[MessageHit]
    reason: str = ""


def search(
    *,
    workspace_id: uuid.UUID,
    user_id: str | None = None,
    conversation_id: uuid.UUID | None = None,
    query: str,
    embed: Embed,
    limit: int = 10,
    weights: MessageSearch | None = None,
) -> FoundMessages:
    """The messages of a user, or of a conversation, that answer `query`; for one of stop words only the newest.

    Raises InvalidError when neither is named, NotFoundError for a conversation that isn't the workspace's or the
    user's.
    """
    if user_id is None and conversation_id is None:
        raise InvalidError(("user_id", "name the user or the conversation whose messages are searched"))
    scope = Scope(workspace_id, user_id, conversation_id)
    _require(scope)
    asked = question.read(query, scope)
    if not asked.size:
        return FoundMessages([])
    if not asked.terms:
        return FoundMessages(_newest(scope, limit))
    embedded = embed([asked.meant or query])
    fused, rows = _fused(scope, asked, embedded, weights or MessageSearch(), limit)
    ids = [rows.id(int(place)) for place in fused.places]
    return FoundMessages(_hits(ids, fused), embedded.reason)


def _fused(
    scope: Scope, asked: Question, embedded: Embedded, weights: MessageSearch, limit: int
) -> tuple[Fused, read.Rows]:
    vector = embedded.rows[0] if embedded.rows[0].any() else None
    if asked.size <= MOST:
        rows = read.rows(scope, asked, vector=vector, model=embedded.model)
        return fuse(score.signs(rows), weights, limit=limit), rows
    rows, usual = large.rows(scope, asked, vector=vector, model=embedded.model)
    return fuse(score.signs(rows, usual), weights, limit=limit), rows


def _require(scope: Scope) -> None:
    if scope.conversation_id is None:
        return
    known = Conversation.objects.filter(pk=scope.conversation_id, workspace_id=scope.workspace_id)
    if scope.user_id is not None:
        known = known.filter(user_id=scope.user_id)
    if not known.exists():
        whose = "in this workspace" if scope.user_id is None else "of this user"
        raise NotFoundError(f"No conversation {scope.conversation_id} {whose}.")


def _hits(ids: Sequence[uuid.UUID], fused: Fused) -> list[MessageHit]:
    """The messages by id, in this order; one that was deleted meanwhile is left out."""
    said = Message.objects.in_bulk(ids)
    return [
        _hit(said[id], float(fused.scores[rank]), {name: float(part[rank]) for name, part in fused.added.items()})
        for rank, id in enumerate(ids)
        if id in said
    ]


def _newest(scope: Scope, limit: int) -> list[MessageHit]:
    of = Message.objects.filter(workspace_id=scope.workspace_id)
    if scope.conversation_id is not None:
        of = of.filter(conversation_id=scope.conversation_id).order_by("-position")
    else:
        of = of.filter(conversation__user_id=scope.user_id, indexed__isnull=False).order_by("-said_at", "-id")
    return [_hit(message, 0.0, {}) for message in of[:limit]]


def _hit(message: Message, score: float, added: Mapping[str, float]) -> MessageHit:
    return MessageHit(
        id=message.pk,
        external_id=message.external_id,
        conversation_id=message.conversation_id,
        position=message.position,
        role=message.role,
        name=message.name,
        content=message.content,
        said_at=message.said_at,
        score=score,
        added=added,
    )
