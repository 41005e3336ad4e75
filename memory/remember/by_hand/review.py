"""Answers the questions that dedupe leaves to people: the same, the newer instead of the older, or two facts?"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from itertools import combinations
from typing import Any, Final, Literal

from django.db import transaction
from django.db.models import Q

from memory.errors import ConflictError, InvalidError, NotFoundError
from memory.jobs.locks import lock_writes
from memory.models import Cause, Decision, Memory, Outcome, State
from memory.remember.by_hand import changing, deciding
from memory.remember.by_hand.merge import chosen, fold, retire

Answer = Literal["same", "replace", "apart"]
ANSWERS: Final[dict[Answer, Outcome]] = {
    "same": Outcome.MERGED,
    "replace": Outcome.SUPERSEDED,
    "apart": Outcome.KEPT_APART,
}
VERBS: Final = {Outcome.MERGED: "merge", Outcome.SUPERSEDED: "replace", Outcome.KEPT_APART: "keep_apart"}
MOST: Final = 20  # memories kept apart from each other by one act


def resolve(
    *,
    workspace_id: uuid.UUID,
    decision_id: uuid.UUID,
    as_: Answer,
    actor: str,
    now: datetime,
    reason: str = "",
) -> Decision:
    """Answer a waiting question, which then is what undo takes back.

    `same` merges the two, and the one that says more stays; `replace` has the newer fact supersede the older; `apart`
    leaves both, and they are never compared again. Raises NotFoundError; InvalidError for another answer; ConflictError
    when it was answered already, or when one of the two is not active any more: then the question is closed, too.
    """
    if as_ not in ANSWERS:
        raise InvalidError(("as", f"must be one of {', '.join(ANSWERS)}, got {as_!r}"))
    with transaction.atomic():
        decision = _locked(workspace_id, decision_id)
        pair = [memory for memory in (decision.memory, decision.other) if memory is not None]
        closed = _closed(pair)
        if closed is None:
            _answer(decision, pair, ANSWERS[as_], actor=actor, reason=reason, now=now)
        else:
            _close(decision, closed[0], actor=actor, reason=closed[1], now=now)
    if closed is not None:
        raise ConflictError(f"{closed[1]} The question is closed.")
    return decision


def keep_apart(
    *, workspace_id: uuid.UUID, memory_ids: Sequence[uuid.UUID], actor: str, now: datetime, reason: str = ""
) -> list[Decision]:
    """Say of 2 to 20 active memories that each is a fact of its own: a decision per pair.

    A question that waits about a pair is answered so. Raises as `merge` does.
    """
    ids = list(dict.fromkeys(memory_ids))
    if not 2 <= len(ids) <= MOST:
        raise InvalidError(("memory_ids", f"must name 2 to {MOST} different memories, got {len(ids)}"))
    with transaction.atomic():
        memories = changing.locked_all(workspace_id, ids)
        changing.refuse_inactive(memories, "kept apart")
        decisions = [_apart(a, b, actor=actor, reason=reason, now=now) for a, b in combinations(memories, 2)]
        first, others = memories[0], [str(memory.pk) for memory in memories[1:]]
        before = changing.told(first)
        changing.tell(first, "keep_apart", before, actor=actor, reason=reason, now=now, others=others)
    return decisions


def _locked(workspace_id: uuid.UUID, decision_id: uuid.UUID) -> Decision:
    """The waiting question and its memories, under the user's lock."""
    mine = Decision.objects.filter(pk=decision_id, workspace_id=workspace_id)
    user_id = mine.values_list("user_id", flat=True).first()
    if user_id is None:
        raise NotFoundError(f"No decision {decision_id} in this workspace.")
    lock_writes(workspace_id, user_id)
    decision = mine.select_for_update().get()
    if decision.outcome != Outcome.REVIEW:
        raise ConflictError(f"Decision {decision_id} is no question: it was decided as {decision.outcome}.")
    if decision.resolved_at is not None or decision.undone_at is not None:
        who = decision.resolved_by or decision.undone_by or "the system"
        raise ConflictError(f"This question was answered already: {decision.resolution or 'undone'}, by {who}.")
    return decision


def _closed(pair: Sequence[Memory]) -> tuple[Outcome, str] | None:
    """What happened meanwhile that leaves nothing to ask, if anything did."""
    if len(pair) < 2:
        return Outcome.KEPT_APART, "One of the two memories was deleted meanwhile."
    for memory in pair:
        if memory.state != State.ACTIVE:
            known = {State.MERGED: Outcome.MERGED, State.SUPERSEDED: Outcome.SUPERSEDED}
            by = f" into {memory.replaced_by_id}" if memory.state == State.MERGED and memory.replaced_by_id else ""
            by = f" by {memory.replaced_by_id}" if memory.state == State.SUPERSEDED and memory.replaced_by_id else by
            outcome = known.get(State(memory.state), Outcome.KEPT_APART)
            return outcome, f"Memory {memory.pk} was {memory.state}{by} meanwhile."
    return None


def _answer(
    decision: Decision, pair: Sequence[Memory], outcome: Outcome, *, actor: str, reason: str, now: datetime
) -> None:
    who: dict[str, Any] = {"actor": actor, "reason": reason}
    if outcome is Outcome.MERGED:
        stays = chosen(pair)
    else:
        stays = max(pair, key=lambda memory: (memory.valid_from or memory.created_at, memory.pk))
    goes = next(memory for memory in pair if memory is not stays)
    before = changing.told(stays)
    if outcome is Outcome.MERGED:
        decision.effects = fold(stays, [goes], None, now=now, **who)
    elif outcome is Outcome.SUPERSEDED:
        until = stays.valid_from or now
        decision.effects = [retire(goes, State.SUPERSEDED, stays, until=until, cause=Cause.SUPERSEDED, **who)]
    if outcome is not Outcome.KEPT_APART:
        decision.memory, decision.other = stays, goes
    _close(decision, outcome, actor=actor, reason=reason, now=now)
    more = {"decision": str(decision.pk), "other": str(goes.pk)}
    changing.tell(stays, VERBS[outcome], before, now=now, **who, **more)
    changing.drop_contexts(stays)


def _close(decision: Decision, outcome: Outcome, *, actor: str, reason: str, now: datetime) -> None:
    decision.resolved_at, decision.resolved_by, decision.resolution = now, actor, outcome
    decision.reason = reason[:500]
    decision.save()


def _apart(a: Memory, b: Memory, *, actor: str, reason: str, now: datetime) -> Decision:
    either = Q(memory=a, other=b) | Q(memory=b, other=a)
    asked = Decision.objects.waiting().filter(either, workspace_id=a.workspace_id).first()
    if asked is not None:
        _close(asked, Outcome.KEPT_APART, actor=actor, reason=reason, now=now)
        return asked
    trace = [deciding.traced(a, b, str(Outcome.KEPT_APART))]
    return deciding.decided(Outcome.KEPT_APART, a, b, actor=actor, reason=reason, trace=trace)
