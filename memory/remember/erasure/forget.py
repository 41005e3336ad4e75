"""Forgets memories: their texts go from wherever they are, and the fact that they were there stays."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction

from memory import caching
from memory.errors import InvalidError
from memory.models import Decision, Memory, Revision, State
from memory.providers.standby import Standby
from memory.remember.by_hand import changing
from memory.remember.erasure import jobs, rows
from memory.remember.erasure.report import Erased, models_of, opened, report
from memory.remember.erasure.sought import Sought, sought

MOST = 100  # memories forgotten by one act


def forget(
    *,
    workspace_id: uuid.UUID,
    memory_id: uuid.UUID,
    actor: str,
    now: datetime,
    reason: str = "",
    messages: bool = False,
    also: Sequence[uuid.UUID] = (),
    providers: Standby | None = None,
) -> Memory:
    """Erase a memory's text from its row, revisions and decisions, from jobs, exports and caches; then look for it.

    What the search finds is in the newest Erasure of the memory: above all the message that said it, which stays unless
    `messages` erases it, too, and memories that say the same, which go when `also` names them. Forgetting twice changes
    nothing, except that what was said may go later. Raises NotFoundError; InvalidError for memories of several users.
    """
    ids = list(dict.fromkeys([memory_id, *also]))
    if len(ids) > MOST:
        raise InvalidError(("also", f"must name at most {MOST - 1} memories, got {len(ids) - 1}"))
    with transaction.atomic():
        named = changing.locked_all(workspace_id, ids)
        said = rows.what_was_said(rows.sources_of(named)) if messages else {}
        if said or any(memory.state != State.FORGOTTEN for memory in named):
            _erase(named, said, providers, actor=actor, reason=reason, now=now)
    return named[0]


def _erase(
    named: Sequence[Memory],
    said: Mapping[uuid.UUID, str],
    providers: Standby | None,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> None:
    """Erase memories that are not forgotten yet, and what was said."""
    memories = [memory for memory in named if memory.state != State.FORGOTTEN]
    workspace_id, user_id = named[0].workspace_id, named[0].user_id
    ids, before = [memory.pk for memory in memories], [changing.told(memory) for memory in memories]
    models, sources = models_of(workspace_id, user_id, providers), rows.sources_of(named)
    what = _wordings(memories, said.values())
    counts = {"memories": len(ids), "revisions": Revision.objects.filter(memory__in=ids).count()}
    kept = "" if what.is_in(reason) else reason  # a reason outlives the text
    counts["decisions"] = rows.erase_decisions(workspace_id, user_id, ids, what, actor=actor, now=now)
    for memory in memories:
        rows.erase_memory(memory, actor=actor, reason=kept, now=now)
    jobs.stop_running(workspace_id, user_id, now=now)
    counts["messages"], emptied = rows.erase_messages(workspace_id, user_id, list(said), now=now)
    counts["summaries"] = len(emptied)
    counts["jobs"] = jobs.erase_jobs(workspace_id, user_id, what, messages=bool(said), conversations=emptied, now=now)
    # what was exported before the first of them was made has none
    since = min(memory.created_at for memory in memories) if not said else None
    counts["exports"] = jobs.erase_exports(workspace_id, user_id, since=since, now=now)
    for memory, was in zip(memories, before, strict=True):
        changing.tell(memory, "forget", was, actor=actor, reason=kept, now=now)
    about = ids or [memory.pk for memory in named]
    erased = Erased(workspace_id, user_id, about, what, models, sources, counts)
    proofs = opened(erased, actor=actor, reason=kept)
    transaction.on_commit(lambda: caching.forget_context(workspace_id, user_id))
    transaction.on_commit(lambda: report(erased, proofs, now=now) and None)


def _wordings(memories: Sequence[Memory], said: Iterable[str]) -> Sought:
    """Every text that the memories had, every wording in which their facts came again, and what was said."""
    revised = Revision.objects.filter(memory__in=memories).values_list("text", flat=True)
    again = Decision.objects.filter(memory__in=memories).values_list("text", flat=True)
    return sought([*(memory.text for memory in memories), *revised, *again, *said])
