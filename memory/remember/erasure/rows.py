"""Erases a memory's text from rows about it: revisions, decisions, and where it is asked for what was said."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import F, Q
from django.db.models.functions import Lower

from memory.jobs.submit import submit
from memory.models import Cause, Conversation, Decision, IndexedMessage, Memory, Message, Outcome, Revision, State
from memory.remember.by_hand import changing
from memory.remember.erasure.sought import Sought

ERASED: Final = "[erased]"
REFRESH_SUMMARY: Final = "refresh_summary"
KEPT: Final = ("id", "similarity", "score", "relation", "outcome")  # of a line in a trace: figures and names


def erase_memory(memory: Memory, *, actor: str, reason: str, now: datetime) -> None:
    """Empty the row and its revisions; a last revision says who did it and why."""
    memory.text, memory.text_hash, memory.metadata = "", f"forgotten:{memory.pk.hex}", {}
    memory.embedding, memory.state, memory.valid_to, memory.pinned = None, State.FORGOTTEN, now, False
    Revision.objects.filter(memory=memory).update(text="", reason="")  # a reason may repeat the text
    changing.revise(memory, Cause.FORGOTTEN, actor=actor, reason=reason)
    memory.save()


def decisions_about(workspace_id: uuid.UUID, user_id: str, ids: Collection[uuid.UUID]) -> Q:
    """Those that the memories were the holder of, gave way in, were changed by, or were weighed in."""
    about = Q(memory__in=ids) | Q(other__in=ids)
    for id in ids:
        about |= Q(trace__contains=[{"id": str(id)}]) | Q(effects__contains=[{"id": str(id)}])
    return Q(workspace_id=workspace_id, user_id=user_id) & about


def erase_decisions(
    workspace_id: uuid.UUID, user_id: str, ids: Collection[uuid.UUID], what: Sought, *, actor: str, now: datetime
) -> int:
    """Empty the texts and the evidence of decisions about these memories, and close questions; how many rows.

    A line of a trace keeps its figures. In decisions about others, the words of the lines about these go.
    """
    mine = Decision.objects.filter(workspace_id=workspace_id, user_id=user_id).annotate(lower=Lower("text"))
    wordings, gone = {text.lower() for text in what.texts}, {str(id) for id in ids}
    same_words = Q(lower__in=wordings)
    changed = []
    for row in mine.filter(same_words | decisions_about(workspace_id, user_id, ids)).select_for_update():
        own = row.memory_id in ids
        if own or row.text.lower() in wordings:
            row.text = ""
        if own or row.other_id in ids or what.is_in(row.reason):
            row.reason = ""  # in the words of what was compared
        row.trace = [_bare(line) if own or line.get("id") in gone else line for line in row.trace]
        if row.outcome == Outcome.REVIEW and row.resolved_at is None and (own or row.other_id in ids):
            row.resolved_at, row.resolved_by, row.resolution = now, actor, Outcome.KEPT_APART
        changed.append(row)
    fields = ["text", "reason", "trace", "resolved_at", "resolved_by", "resolution"]
    Decision.objects.bulk_update(changed, fields, batch_size=500)
    return len(changed)


def sources_of(memories: Sequence[Memory]) -> list[uuid.UUID]:
    """The messages that the memories were made of, or that said the same again."""
    said = Decision.objects.filter(memory__in=memories).exclude(message=None).values_list("message_id", flat=True)
    ids = [memory.source_id for memory in memories] + list(said)
    return list(dict.fromkeys(id for id in ids if id is not None))


def what_was_said(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The contents of these messages, as far as they are not erased."""
    return dict(Message.objects.filter(pk__in=ids).exclude(content=ERASED).values_list("pk", "content"))


def erase_messages(
    workspace_id: uuid.UUID, user_id: str, ids: Sequence[uuid.UUID], *, now: datetime
) -> tuple[int, list[uuid.UUID]]:
    """Put a mark in the place of what was said; how many messages, and the conversations whose summaries were emptied.

    A summary may have the words, so that it is emptied at once and made anew by a job. A fold that is being made of the
    old one is refused, since the version has changed.
    """
    mine = Message.objects.filter(pk__in=ids, workspace_id=workspace_id, conversation__user_id=user_id)
    places = list(mine.values_list("conversation_id", "position"))
    count = mine.update(content=ERASED, tokens=0, name="")
    Message.objects.filter(pk__in=ids, processed_at=None, workspace_id=workspace_id).update(processed_at=now)
    IndexedMessage.objects.filter(message_id__in=ids, workspace_id=workspace_id).delete()
    Decision.objects.filter(message_id__in=ids, workspace_id=workspace_id).update(span=None)
    covered = Q()
    for conversation_id, position in places:
        covered |= Q(pk=conversation_id, summary_through__gte=position)
    if not places:
        return count, []
    summed_up = list(Conversation.objects.filter(covered).values_list("pk", flat=True))
    Conversation.objects.filter(pk__in=summed_up).update(summary="", summary_version=F("summary_version") + 1)
    for id in summed_up:
        submit(
            kind=REFRESH_SUMMARY,
            workspace_id=workspace_id,
            user_id=user_id,
            payload={"conversation": str(id)},
            key=str(id),
            now=now,
            is_follow_up=True,
        )
    return count, summed_up


def _bare(line: dict[str, Any]) -> dict[str, Any]:
    """A line of a trace without any words: which guards fired, but not upon what."""
    guards = [{"guard": one.get("guard", ""), "a": [], "b": []} for one in line.get("guards", [])]
    return {name: line[name] for name in KEPT if name in line} | {"guards": guards}
