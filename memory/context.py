"""Assembles what the model should know before its next call, within a token budget."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import orjson
from django.db import connection
from django.utils import timezone

from memory import caching, search
from memory.errors import NotFoundError
from memory.models import Memory
from memory.providers import configured
from memory.providers.base import Embedded
from memory.providers.local.tokens import estimate
from memory.providers.standby import Standby
from monitoring import metrics

SUMMARY_SHARE, MEMORY_SHARE = 0.15, 0.30  # of the budget; what they leave goes to the recent messages
RELEVANT = 20  # memories considered
PINNED = 20
RECENT = 200  # messages considered
HEADINGS = {
    "memory": "What is known about the user:",
    "summary": "The conversation so far:",
    "message": "Recent messages:",
}

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
SELECT id, text FROM memory_memory
WHERE workspace_id = %s AND user_id = %s AND state = 'active' AND pinned AND (expires_at IS NULL OR expires_at > %s)
ORDER BY importance DESC, id DESC
LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the context: `kind` is memory, summary or message."""

    kind: str
    id: uuid.UUID
    text: str
    tokens: int


@dataclass(slots=True)
class Context:
    """The context as text and as parts; `tokens` is the estimate for the whole text, never over the budget."""

    text: str
    tokens: int
    parts: list[Part]
    variant: str = "plain"
    degraded: bool = False
    reasons: list[str] = field(default_factory=list)
    explain: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """What the context needs of a conversation: its summary, and the messages that the summary does not cover."""

    id: uuid.UUID | None = None
    summary: str = ""
    messages: Sequence[tuple[uuid.UUID, str, str, str]] = ()  # id, role, name, content; newest first


def assemble(
    *,
    workspace_id: uuid.UUID,
    user_id: str,
    providers: Standby,
    now: datetime,
    conversation_id: uuid.UUID | None = None,
    query: str | None = None,
    budget_tokens: int = 2000,
    explain: bool = False,
) -> Context:
    """The context for the user's next model call: pinned and relevant memories, summary, recent messages.

    Without a query, the newest message of the user stands in; without either, the newest memories serve. Where the
    embedding provider fails, the local one's vector finds what was embedded locally, words find the rest, and the
    context says that it is degraded.
    Raises NotFoundError for a conversation that is not this user's.
    """
    thread = _thread(workspace_id, user_id, conversation_id)
    question = query or next((content for _, role, _, content in thread.messages if role == "user"), "")
    reasons: list[str] = []
    memories, hits = _memories(workspace_id, user_id, question, providers, now, reasons)
    parts = _fill(memories, thread, budget_tokens)
    text = render(parts)
    context = Context(text, estimate(text), parts, degraded=bool(reasons), reasons=reasons)
    if explain:
        context.explain = _explanation(question, hits, memories, thread, parts, budget_tokens)
    return context


def as_json(context: Context) -> bytes:
    """The context as it is answered, and cached."""
    # orjson reads dataclasses itself: asdict would copy each id deeply, which took a third of an uncached answer
    return orjson.dumps(context, option=orjson.OPT_UTC_Z)


def render(parts: Iterable[Part]) -> str:
    """The parts as one text, a heading before each kind."""
    lines: list[str] = []
    last = None
    for part in parts:
        if part.kind != last:
            lines += ([""] if last else []) + [HEADINGS[part.kind]]
            last = part.kind
        lines.append(part.text)
    return "\n".join(lines)


def _thread(workspace_id: uuid.UUID, user_id: str, conversation_id: uuid.UUID | None) -> Thread:
    if conversation_id is None:
        return Thread()
    read = partial(_read_thread, workspace_id, user_id, conversation_id)
    summary, messages = caching.conversation(workspace_id, user_id, conversation_id, read)
    return Thread(conversation_id, summary, messages)


def _read_thread(
    workspace_id: uuid.UUID, user_id: str, conversation_id: uuid.UUID
) -> tuple[str, list[tuple[uuid.UUID, str, str, str]]]:
    with connection.cursor() as cursor:
        cursor.execute(THREAD_SQL, [RECENT, conversation_id, workspace_id, user_id])
        rows = cursor.fetchall()
    if not rows:
        raise NotFoundError(f"No conversation {conversation_id} of user {user_id!r} in this workspace.")
    return rows[0][0], [row[1:] for row in rows if row[1] is not None]


def _memories(
    workspace_id: uuid.UUID, user_id: str, question: str, providers: Standby, now: datetime, reasons: list[str]
) -> tuple[dict[uuid.UUID, str], list[search.Hit]]:
    """Pinned memories, then relevant ones, by id; the newest ones where there is nothing to search for."""
    with connection.cursor() as cursor:
        cursor.execute(PINNED_SQL, [workspace_id, user_id, now, PINNED])
        texts = dict(cursor.fetchall())
    if not question.strip():
        mine = Memory.objects.of(workspace_id, user_id).active().unexpired(now)
        newest = mine.order_by("-id").values_list("id", "text")[:RELEVANT]
        return texts | {id: text for id, text in newest if id not in texts}, []
    hits = search.search(
        workspace_id=workspace_id,
        user_id=user_id,
        query=question,
        embedded=_embedded(question, providers, reasons),
        now=now,
        limit=RELEVANT,
    )
    return texts | {hit.id: hit.text for hit in hits if hit.id not in texts}, hits


def _embedded(question: str, providers: Standby, reasons: list[str]) -> Embedded:
    with metrics.timed("provider.embed"):
        embedded = providers.embed([question])
    if embedded.reason:
        reasons.append(embedded.reason)
    return embedded


def _fill(memories: dict[uuid.UUID, str], thread: Thread, budget: int) -> list[Part]:
    """Parts in their order, chosen so that the rendered text stays within the budget."""
    visible = "\n".join(content.casefold() for *_, content in thread.messages)
    known = [("memory", id, f"- {text}") for id, text in memories.items() if text.casefold() not in visible]
    about, used = _take(known, int(budget * MEMORY_SHARE), 0)
    summary = [("summary", thread.id, thread.summary)] if thread.id and thread.summary else []
    past, used = _take(summary, used + int(budget * SUMMARY_SHARE), used)
    turns = [("message", id, f"{name or role}: {content}") for id, role, name, content in thread.messages]
    recent, used = _take(turns, budget, used, whole=True)
    # what the messages left is the memories' again
    more, _ = _take(known[len(about) :], budget, used, whole=True) if about or not turns else ([], 0)
    return about + more + past + recent[::-1]


def _take(
    lines: Iterable[tuple[str, uuid.UUID, str]], limit: int, used: int, *, whole: bool = False
) -> tuple[list[Part], int]:
    """As many of the lines as fit under `limit` tokens; `whole` stops at the first that does not fit."""
    parts: list[Part] = []
    for kind, id, text in lines:
        # the line break counts, and with the first line of a kind its heading
        tokens = estimate(text) + 1
        cost = tokens + (0 if parts else estimate(HEADINGS[kind]) + 2)
        if used + cost <= limit:
            parts.append(Part(kind, id, text, tokens))
            used += cost
        elif whole:
            break
    return parts, used


def _explanation(
    question: str,
    hits: Sequence[search.Hit],
    memories: dict[uuid.UUID, str],
    thread: Thread,
    parts: Sequence[Part],
    budget: int,
) -> dict[str, object]:
    """Why the parts are these: the query used, each hit's ranks, what was considered and what each kind took."""
    taken = {part.id for part in parts}
    spent = {kind: sum(part.tokens for part in parts if part.kind == kind) for kind in HEADINGS}
    return {
        "query": question,
        "budget_tokens": budget,
        "spent_tokens": spent,
        "memories_considered": len(memories),
        "messages_considered": len(thread.messages),
        "memories": [
            {
                "id": hit.id,
                "score": round(hit.score, 4),
                "vector_rank": hit.why.vector_rank,
                "similarity": hit.why.similarity,
                "text_rank": hit.why.text_rank,
                "used": hit.id in taken,
            }
            for hit in hits
        ],
    }


def _warm_thread(used: caching.Used) -> bytes:
    workspace_id, _, user_id = used.namespace.partition(":")
    return caching.pack_conversation(*_read_thread(uuid.UUID(workspace_id), user_id, uuid.UUID(used.key)))


def _warm_context(used: caching.Used) -> bytes | None:
    """The answer to the question that was asked before; None where it is not known any more, or would be degraded."""
    if not used.recipe:
        return None
    workspace_id, _, user_id = used.namespace.partition(":")
    asked = orjson.loads(used.recipe) | {"user_id": user_id}
    if asked.get("conversation_id"):
        asked["conversation_id"] = uuid.UUID(asked["conversation_id"])
    found = assemble(workspace_id=uuid.UUID(workspace_id), providers=configured.standby(), now=timezone.now(), **asked)
    return None if found.degraded else as_json(found)


caching.register_maker("conversation", _warm_thread)
caching.register_maker("context", _warm_context)
