"""Gives memories vectors of today's model, and conversations summaries of today's summarizer, slice by slice."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from memory import caching
from memory.conversation import summarize
from memory.dedupe.stored.halves import as_texts
from memory.errors import ConflictError, NotFoundError
from memory.jobs.kinds import Again, Done, Work, job_kind
from memory.jobs.submit import submit_many
from memory.models import Conversation, Memory, Priority, Scope, State
from memory.providers.base import ProviderError
from memory.work import tools
from memory.work.payloads import Dedupe, Reembed, RefreshSummary
from memory.work.upkeep.redo import DEDUPE, DEGRADED, REEMBED, REFRESH_SUMMARY, SOON, later

SLICE: Final = 200  # memories that are embedded by one call

# One look-up by primary key per row; a text that was changed meanwhile has its own vector already.
VECTORS_SQL = """
UPDATE memory_memory AS of SET embedding = row.vector::halfvec, embedding_model = %(model)s
FROM unnest(%(ids)s::uuid[], %(hashes)s::text[], %(vectors)s::text[]) AS row (id, hash, vector)
WHERE of.id = row.id AND of.text_hash = row.hash
"""

_Row = tuple[UUID, str, str, str]  # id, user, text, hash


@job_kind(
    REEMBED, Reembed, title="Embed again", priority=Priority.LOW, time_limit_s=20.0, scope=Scope.ADMIN, needs_user=False
)
def reembed(work: Work[Reembed]) -> Done | Again:
    """Embed what has vectors of another model: a user's memories, or the workspace's; then look for duplicates.

    Facts of different models can't be compared, so some were kept that their user's memories said already.
    """
    embedder = tools.from_settings().providers.first.embedder
    mine = Memory.objects.filter(workspace_id=work.workspace_id).exclude(state=State.FORGOTTEN)
    if work.user_id:
        mine = mine.filter(user_id=work.user_id)
    others = mine.exclude(embedding_model=embedder.model)
    rest = others if work.payload.after is None else others.filter(pk__gt=work.payload.after)
    rows = list(rest.order_by("pk").values_list("pk", "user_id", "text", "text_hash")[:SLICE])
    result = {"done": 0, "total": others.count()} if work.result is None else dict(work.result)
    result.pop("waits_for", None)
    try:
        vectors = embedder.embed([text for _, _, text, _ in rows]) if rows else np.zeros((0, 0), dtype=np.float32)
    except ProviderError as problem:
        return later(work, work.payload, problem)
    result["done"] += len(rows)
    write = partial(_write_vectors, work, rows, vectors, embedder.model)
    if len(rows) < SLICE:
        return Done(result, write)
    return Again(Reembed(after=rows[-1][0]), result=result, write=write)


def _write_vectors(work: Work[Reembed], rows: Sequence[_Row], vectors: NDArray[np.float32], model: str) -> None:
    arguments: dict[str, Any] = {
        "model": model,
        "ids": [id for id, *_ in rows],
        "hashes": [digest for *_, digest in rows],
        "vectors": [text if row.any() else None for text, row in zip(as_texts(vectors), vectors, strict=True)],
    }
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(VECTORS_SQL, arguments)
    users = {(work.workspace_id, user_id) for _, user_id, _, _ in rows}
    transaction.on_commit(lambda: caching.forget_contexts(users, conversations=False))
    # a user of many slices is looked at once, when the last of them is through
    if users and (not work.user_id or len(rows) < SLICE):
        submit_many(
            kind=DEDUPE,
            workspace_id=work.workspace_id,
            user_ids=sorted(user_id for _, user_id in users),
            payloads=[Dedupe()] * len(users),
            now=work.now,
            key=DEGRADED,
            available_at=work.now + SOON,
            is_follow_up=True,
        )


@job_kind(
    REFRESH_SUMMARY,
    RefreshSummary,
    title="Summarize again",
    priority=Priority.LOW,
    time_limit_s=20.0,
    scope=Scope.WRITE,
)
def refresh_summary(work: Work[RefreshSummary]) -> Done | Again:
    """Summarize again what the summary covers, from the first message on, a chunk at a time."""
    given, kit = work.payload, tools.from_settings()
    mine = Conversation.objects.filter(pk=given.conversation, workspace_id=work.workspace_id, user_id=work.user_id)
    conversation = mine.only("summary_through", "summary_version").first()
    if conversation is None:
        raise NotFoundError(f"No conversation {given.conversation} of this user.")
    if conversation.summary_through <= given.after:
        return Done({"messages": given.after})
    said, through = summarize.spoken(conversation.pk, after=given.after, through=conversation.summary_through)
    try:
        summarizer = kit.providers.first.summarizer
        tokens = kit.terms(work.workspace_id).window.summary_tokens
        summary = summarizer.summarize(given.summary, said, budget_tokens=tokens)
    except ProviderError as problem:
        return later(work, given, problem)
    if through < conversation.summary_through:
        there = RefreshSummary(conversation=given.conversation, after=through, summary=summary)
        return Again(there, result={"messages": through})
    fold = summarize.Fold(conversation.pk, summary, through, conversation.summary_version)
    return Done({"messages": through}, partial(_write_summary, work, fold))


def _write_summary(work: Work[Any], fold: summarize.Fold) -> None:
    if not summarize.write([fold], now=work.now):
        raise ConflictError("The conversation was summarized by another job meanwhile; this one tries again.")
    transaction.on_commit(lambda: caching.forget_context(work.workspace_id, work.user_id))
