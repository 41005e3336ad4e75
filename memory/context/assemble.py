"""Assembles what the model should know before its next call, within a token budget."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from memory import search
from memory.context import read
from memory.context.fill import fill
from memory.context.parts import Context, Known, Part, Thread
from memory.context.style import PLAIN, STYLES, Variant
from memory.providers.base import Embedded
from memory.providers.local.tokens import estimate
from memory.providers.standby import Standby
from monitoring import metrics

RELEVANT: Final = 20  # memories considered


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
    variant: Variant = Variant.PLAIN,
    notices: Sequence[str] = (),
) -> Context:
    """The context for the user's next model call: pinned and relevant memories, summary, recent messages.

    Without a query, the newest message of the user stands in; without either, the newest memories serve. Where the
    embedding provider fails, the local one's vector finds what was embedded locally, words find the rest, and the
    context says that it is degraded. `notices` are reasons that make it no worse than it should be.
    Raises NotFoundError for a conversation that is not this user's.
    """
    thread = read.thread(workspace_id, user_id, conversation_id)
    question = query or next((content for _, role, _, content in thread.messages if role == "user"), "")
    reasons: list[str] = []
    memories, hits = _memories(workspace_id, user_id, question, providers, now, reasons)
    parts, text = fill(memories, thread, budget_tokens, STYLES[variant])
    context = Context(text, estimate(text), parts, variant.value, bool(reasons), [*reasons, *notices])
    if explain:
        context.explain = _explanation(question, hits, memories, thread, parts, budget_tokens)
    return context


def _memories(
    workspace_id: uuid.UUID, user_id: str, question: str, providers: Standby, now: datetime, reasons: list[str]
) -> tuple[list[Known], list[search.Hit]]:
    """Pinned memories, then relevant ones, each once; the newest ones where there is nothing to search for."""
    known = {each.id: each for each in read.pinned(workspace_id, user_id, now)}
    hits: list[search.Hit] = []
    if not question.strip():
        found = read.newest(workspace_id, user_id, now, RELEVANT)
    else:
        hits = search.search(
            workspace_id=workspace_id,
            user_id=user_id,
            query=question,
            embedded=_embedded(question, providers, reasons),
            now=now,
            limit=RELEVANT,
        )
        found = [Known(hit.id, hit.text, hit.kind, hit.valid_from) for hit in hits]
    for each in found:
        known.setdefault(each.id, each)
    return list(known.values()), hits


def _embedded(question: str, providers: Standby, reasons: list[str]) -> Embedded:
    with metrics.timed("provider.embed"):
        embedded = providers.embed([question])
    if embedded.reason:
        reasons.append(embedded.reason)
    return embedded


def _explanation(
    question: str,
    hits: Sequence[search.Hit],
    memories: Sequence[Known],
    thread: Thread,
    parts: Sequence[Part],
    budget: int,
) -> dict[str, object]:
    """Why the parts are these: the query used, each hit's ranks, what was considered and what each kind took."""
    taken = {part.id for part in parts}
    spent = {kind: sum(part.tokens for part in parts if part.kind == kind) for kind in PLAIN.headings}
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
