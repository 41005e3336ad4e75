"""Looks at all of a user's memories again: merges those that say the same, ends what no longer holds, asks the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from memory import caching
from memory.dedupe.clusters import Finding, Look, findings, look
from memory.dedupe.stored.rows import Retirement, as_trace, raise_importance, retire
from memory.dedupe.stored.standing import kept_apart, standing
from memory.jobs.kinds import Again, Done, Work, job_kind
from memory.jobs.locks import lock_writes
from memory.models import DecidedBy, Decision, Memory, Outcome, Priority, Scope, State
from memory.work import tools
from memory.work.payloads import Dedupe
from memory.work.upkeep import judge
from memory.work.upkeep.redo import DEDUPE

QUESTIONS: Final = 20  # that one run may ask
COUNTED: Final = {Outcome.MERGED: "merged", Outcome.SUPERSEDED: "superseded", Outcome.REVIEW: "review"}


@job_kind(
    DEDUPE, Dedupe, title="Merge duplicates", priority=Priority.LOW, time_limit_s=20.0, scope=Scope.WRITE
)  # fmt: skip
def dedupe(work: Work[Dedupe]) -> Done | Again:
    """Compare each active memory with the others of its scope, slice by slice.

    What is pinned or a person's own words is never retired, and two that somebody keeps apart stay apart.
    """
    terms = tools.from_settings().terms(work.workspace_id).dedupe
    found = look(work.workspace_id, work.user_id, terms=terms, after=work.payload.after, limit=terms.batch)
    counts = Counter(dict.fromkeys(("compared", *COUNTED.values()), 0) | (work.result or {}))
    made = findings(found, questions=QUESTIONS - counts["review"])
    counts.update([COUNTED[one.outcome] for one in made])
    counts["compared"] += found.rows
    write = partial(_write, work, found, made)
    if found.last is None:
        return Done(dict(counts), write)
    return Again(Dedupe(after=found.last), result=dict(counts), write=write)


def _write(work: Work[Dedupe], found: Look, made: Sequence[Finding]) -> None:
    """Do what was found, as far as the memories still are as they were compared."""
    if not made:
        return
    lock_writes(work.workspace_id, work.user_id)
    raised: dict[UUID, float] = {}
    retirements, decisions = [], []
    for one in _still(found, made):
        effects = []
        if (retirement := _retirement(found, one, work.now)) is not None:
            retirements.append(retirement)
            effects = [retirement.effect(found.standing[one.other]), *_raise(found, one, raised)]
        decisions.append(_decision(work, found, one, effects))
    retire(retirements, now=work.now)
    raise_importance(raised, now=work.now)
    Decision.objects.bulk_create(decisions)
    if any(decision.outcome == Outcome.REVIEW for decision in decisions):
        judge.order([(work.workspace_id, work.user_id)], now=work.now)
    transaction.on_commit(lambda: caching.forget_context(work.workspace_id, work.user_id, conversations=False))


def _still(found: Look, made: Sequence[Finding]) -> list[Finding]:
    """Those whose memories have the state and the text that they had, are nobody's own, and not parted meanwhile."""
    ids = {id for one in made for id in (one.memory, one.other)}
    active = set(Memory.objects.active().filter(pk__in=ids).values_list("pk", flat=True))
    stands, apart = standing(active), kept_apart(active)

    def is_as_it_was(id: UUID) -> bool:
        now, then = stands.get(id), found.standing[id]
        return now is not None and (now.version, now.is_own) == (then.version, then.is_own)

    return [
        one
        for one in made
        if is_as_it_was(one.memory) and is_as_it_was(one.other) and frozenset((one.memory, one.other)) not in apart
    ]


def _retirement(found: Look, one: Finding, now: datetime) -> Retirement | None:
    digest = found.known[one.other].text_hash
    if one.outcome is Outcome.MERGED:
        return Retirement(one.other, digest, State.MERGED, one.memory, now)
    if one.outcome is Outcome.SUPERSEDED:
        return Retirement(one.other, digest, State.SUPERSEDED, one.memory, one.until or now)
    return None


def _raise(found: Look, one: Finding, raised: dict[UUID, float]) -> list[dict[str, Any]]:
    """What is merged hands its importance over, where that is higher; what that changed."""
    stands, importance = found.standing[one.memory], found.standing[one.other].importance
    before = raised.get(one.memory, stands.importance)
    if one.outcome is not Outcome.MERGED or importance <= before:
        return []
    raised[one.memory] = importance
    side = stands.side()
    return [
        {"id": str(one.memory), "before": side | {"importance": before}, "after": side | {"importance": importance}}
    ]


def _decision(work: Work[Dedupe], found: Look, one: Finding, effects: list[dict[str, Any]]) -> Decision:
    return Decision(
        workspace_id=work.workspace_id,
        user_id=work.user_id,
        outcome=one.outcome,
        by=DecidedBy.BATCH,
        memory_id=one.memory,
        other_id=one.other,
        text=found.known[one.memory].text,
        trace=as_trace([found.weighed(one.memory, one.other, one.outcome)], most=1),
        thresholds=found.terms.model_dump(mode="json"),
        model=found.known[one.memory].model,
        effects=effects,
    )
