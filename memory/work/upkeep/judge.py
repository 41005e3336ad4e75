"""Asks the model about a user's possible duplicates; what it decides, people need not, and can undo."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Literal
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from memory import remember
from memory.dedupe.stored.standing import BY_HAND, MODEL
from memory.jobs.kinds import Again, Done, Work, job_kind
from memory.jobs.locks import lock_writes
from memory.jobs.submit import submit_many
from memory.models import Decision, Priority, Revision, State
from memory.providers import configured
from memory.providers.base import Judged, Judgement, ProviderBadAnswerError, ProviderError
from memory.work.payloads import JudgeReviews
from memory.work.upkeep.redo import JUDGE, SOON, later

log = logging.getLogger(__name__)

WAITING: Final = "waiting"  # the key: one such job at a time waits for a user
SLICE: Final = 10  # pairs in one run: one call
MOST_TRIES: Final = 5  # answers that can't be read, before the pairs are left to people
AS: Final[dict[Judged, Literal["same", "replace", "apart"]]] = {
    Judged.SAME: "same",
    Judged.RICHER: "same",
    Judged.POORER: "same",
    Judged.CONFLICT: "replace",
    Judged.APART: "apart",
}


@dataclass(frozen=True, slots=True)
class _Text:
    """A memory as it was shown to the model."""

    id: UUID
    version: int
    text: str


@dataclass(frozen=True, slots=True)
class _Question:
    """A decision that waits, and its two memories in the order in which they were said."""

    decision: UUID
    older: _Text
    newer: _Text


def order(users: Iterable[tuple[UUID, str]], *, now: datetime) -> None:
    """Ask for the possible duplicates of these users to be judged, in the transaction that writes them down."""
    if configured.judge() is None:
        return
    of_workspaces: dict[UUID, list[str]] = defaultdict(list)
    for workspace_id, user_id in dict.fromkeys(users):
        of_workspaces[workspace_id].append(user_id)
    for workspace_id, user_ids in of_workspaces.items():
        submit_many(
            kind=JUDGE,
            workspace_id=workspace_id,
            user_ids=user_ids,
            payloads=[JudgeReviews()] * len(user_ids),
            now=now,
            key=WAITING,
            available_at=now + SOON,
            is_follow_up=True,
        )


@job_kind(JUDGE, JudgeReviews, title="Judge possible duplicates", priority=Priority.LOW, time_limit_s=20.0)
def judge(work: Work[JudgeReviews]) -> Done | Again:
    """Have the model decide about the pairs that wait; what it leaves open waits for a person, as it does meanwhile."""
    who = configured.judge()
    result = Counter({name: count for name, count in (work.result or {}).items() if name != "waits_for"})
    if who is None:
        return Done(dict(result))
    asked = _questions(work)
    try:
        found = who.judge([(one.older.text, one.newer.text) for one in asked]) if asked else []
    except ProviderError as problem:
        if not isinstance(problem, ProviderBadAnswerError) or work.payload.tries < MOST_TRIES:
            return later(work, work.payload, problem)
        found = [None] * len(asked)
    answers = [(one, _sound(one, judgement)) for one, judgement in zip(asked, found, strict=True)]
    result.update("left" if judgement is None else judgement.relation.value for _, judgement in answers)
    write = partial(_write, work, answers, f"{MODEL}{who.name.removeprefix('chat:')}")
    if len(asked) < SLICE:
        return Done(dict(result), write)
    return Again(JudgeReviews(after=asked[-1].decision), result=dict(result), write=write)


def _questions(work: Work[JudgeReviews]) -> list[_Question]:
    """The next pairs that wait."""
    waiting = _waiting(work)
    if work.payload.after is not None:
        waiting = waiting.filter(pk__gt=work.payload.after)
    return [_in_order(row) for row in waiting.order_by("pk")[:SLICE]]


def _waiting(work: Work[JudgeReviews]) -> QuerySet[Decision]:
    """What a model may decide about: what is pinned, has a person's own words, or was put back by one, is theirs."""
    waiting = Decision.objects.waiting().filter(workspace_id=work.workspace_id, user_id=work.user_id, undone_by="")
    for side in ("memory", "other"):
        newest = Revision.objects.filter(memory=OuterRef(side), number=OuterRef(f"{side}__version"))
        by_hand = newest.filter(cause__in=BY_HAND).exclude(actor__startswith=MODEL)
        waiting = waiting.filter(~Exists(by_hand), **{f"{side}__state": State.ACTIVE, f"{side}__pinned": False})
    heavy = [f"{side}__{column}" for side in ("memory", "other") for column in ("embedding", "search")]
    return waiting.select_related("memory", "other").defer(*heavy)


def _in_order(decision: Decision) -> _Question:
    pair = [memory for memory in (decision.memory, decision.other) if memory is not None]
    pair.sort(key=lambda memory: (memory.valid_from or memory.created_at, memory.pk))
    older, newer = (_Text(memory.pk, memory.version, memory.text) for memory in pair)
    return _Question(decision.pk, older, newer)


def _sound(question: _Question, judgement: Judgement | None) -> Judgement | None:
    """The judgement, None for one that would keep the shorter text as the one that says more."""
    more = len(question.newer.text) - len(question.older.text)
    said = judgement.relation if judgement else None
    return None if (said is Judged.RICHER and more < 0) or (said is Judged.POORER and more > 0) else judgement


def _write(work: Work[JudgeReviews], answers: Sequence[tuple[_Question, Judgement | None]], actor: str) -> None:
    """Resolve what was judged, where both memories still are as they were when they were shown to the model."""
    judged = {question: judgement for question, judgement in answers if judgement is not None}
    if not judged:
        return
    lock_writes(work.workspace_id, work.user_id)
    for question, judgement in judged.items():
        # an answer before this one may have retired a memory of this pair
        row = _waiting(work).filter(pk=question.decision).first()
        if row is None or _in_order(row) != question:
            log.info("event=judgement_late decision=%s", question.decision)
            continue
        remember.resolve(
            workspace_id=work.workspace_id,
            decision_id=question.decision,
            as_=AS[judgement.relation],
            actor=actor,
            reason=judgement.why,
            now=work.now,
        )
