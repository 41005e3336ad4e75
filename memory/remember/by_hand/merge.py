"""Merges memories of one user into one of them: the others stay, hidden, and point to it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from typing import Any, Final

from django.db import transaction

from memory.dedupe.normalise import text_hash
from memory.dedupe.relate import Relation
from memory.errors import InvalidError
from memory.models import Cause, Memory, Outcome, State
from memory.providers.base import Embedded
from memory.providers.standby import Standby
from memory.remember.by_hand import changing, deciding

MOST: Final = 50  # memories merged by one act


def merge(
    *,
    workspace_id: uuid.UUID,
    memory_ids: Sequence[uuid.UUID],
    providers: Standby,
    actor: str,
    now: datetime,
    into: uuid.UUID | None = None,
    text: str | None = None,
    reason: str = "",
) -> Memory:
    """Merge active memories into one of them, and answer that one.

    It is the one named by `into`, else the one that says most. Its text stays unless `text` gives another. It is pinned
    if any was, as important as the most important, and lives as long as the longest. Raises NotFoundError;
    InvalidError for fewer than 2 or more than 50 memories, or those of several users; GoneError for a forgotten one;
    ConflictError for one that is not active, or when another memory has the text.
    """
    ids = list(dict.fromkeys(memory_ids))
    if not 2 <= len(ids) <= MOST:
        raise InvalidError(("memory_ids", f"must name 2 to {MOST} different memories, got {len(ids)}"))
    if into is not None and into not in ids:
        raise InvalidError(("into", "must be one of the memories that are merged"))
    text = None if text is None else changing.meant(text)
    embedded = None if text is None else providers.embed([text])
    with transaction.atomic():
        memories = changing.locked_all(workspace_id, ids)
        changing.refuse_inactive(memories, "merged")
        winner = chosen(memories, into=into, text=text)
        losers = [memory for memory in memories if memory is not winner]
        trace = [deciding.traced(winner, loser, str(Outcome.MERGED)) for loser in losers]
        before = changing.told(winner)
        new = (text, embedded) if text is not None and embedded is not None else None
        effects = fold(winner, losers, new, actor=actor, reason=reason, now=now)
        decision = deciding.decided(
            Outcome.MERGED, winner, losers[0], actor=actor, reason=reason, effects=effects, trace=trace
        )
        merged = [str(loser.pk) for loser in losers]
        changing.tell(
            winner, "merge", before, actor=actor, reason=reason, now=now, merged=merged, decision=str(decision.pk)
        )
        changing.drop_contexts(winner)
    return winner


def chosen(memories: Sequence[Memory], *, into: uuid.UUID | None = None, text: str | None = None) -> Memory:
    """The one that stays: the one named, the one that has the text already, else the one that says most."""
    by_id = {memory.pk: memory for memory in memories}
    if into is not None:
        return by_id[into]
    having = [memory for memory in memories if text is not None and memory.text == text]
    return having[0] if having else reduce(_richer, memories)


def fold(
    winner: Memory,
    losers: Sequence[Memory],
    new: tuple[str, Embedded] | None,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> list[dict[str, Any]]:
    """Retire the losers for the winner, which takes over what makes them matter; the effects, as a decision has them.

    The losers go first: the winner may take the text of one of them.
    """
    effects = [
        retire(loser, State.MERGED, winner, until=now, cause=Cause.MERGED, actor=actor, reason=reason)
        for loser in losers
    ]
    before = deciding.side(winner, *deciding.CARRIED)
    everyone = [winner, *losers]
    winner.pinned = any(memory.pinned for memory in everyone)
    winner.importance = max(memory.importance for memory in everyone)
    ends = [memory.expires_at for memory in everyone]
    known = [end for end in ends if end is not None]
    winner.expires_at = max(known) if len(known) == len(ends) else None
    if new is not None and new[0] != winner.text:
        changing.refuse_twin(winner, text_hash(new[0]))
        changing.set_text(winner, *new)
    changing.revise(winner, Cause.MERGED, actor=actor, reason=reason)
    winner.save()
    return [*effects, deciding.effect(winner, before)]


def retire(
    memory: Memory, state: State, instead: Memory, *, until: datetime, cause: Cause, actor: str, reason: str
) -> dict[str, Any]:
    """Have a memory give way to another; the effect."""
    before = deciding.side(memory)
    memory.state, memory.replaced_by, memory.valid_to = state, instead, until
    changing.revise(memory, cause, actor=actor, reason=reason)
    memory.save()
    return deciding.effect(memory, before)


def _richer(best: Memory, other: Memory) -> Memory:
    relation = deciding.compare(best, other).relation
    if relation in {Relation.RICHER, Relation.POORER}:
        return best if relation is Relation.RICHER else other
    return other if len(other.text) > len(best.text) else best
