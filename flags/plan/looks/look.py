"""One look at a running plan: gather, decide, act by compare-and-swap. Two that look at once act once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import transaction
from django.db.models import Q

from flags.change import flagset
from flags.guard.decide import decide, held
from flags.guard.verdict import Action, Cause, Verdict
from flags.models import RolloutPlan, Stage
from flags.plan.looks import gather, stay
from flags.plan.looks.act import ACTS
from flags.plan.looks.gather import Seen
from flags.plan.steps import stages_of
from flags.plan.terms import written

LOOK_S: Final = 60
DRILL: Final = "drill"  # owns the flags of drills, which move their plans themselves
SLACK: Final = timedelta(seconds=5)  # a look may come a little early: ticks aren't exact
# accepted causes that hold again when they come back; the others are of the plan's own figures
OUTER: Final = {Cause.BREAKER, Cause.INCIDENT, Cause.SILENCE}

State = RolloutPlan.State
WATCHED: Final = (State.RUNNING, State.HELD, State.ASKING)


def due(now: datetime) -> Q:
    """The plans that are to be looked at."""
    is_time = Q(looked_at=None) | Q(looked_at__lte=now - timedelta(seconds=LOOK_S) + SLACK)
    return is_time & Q(state__in=WATCHED, began_version__isnull=False) & ~Q(flag__owner=DRILL)


def look(plan: RolloutPlan, *, now: datetime) -> Verdict | None:
    """One look: what was decided, or None where it isn't due or somebody else looks just now."""
    ill = gather.outside(now)
    with transaction.atomic():
        rows = RolloutPlan.objects.select_for_update(skip_locked=True, of=("self",)).select_related("flag")
        mine = rows.filter(due(now), pk=plan.pk).first()
        return None if mine is None else _look(mine, ill, now)


def _look(plan: RolloutPlan, ill: gather.Outside, now: datetime) -> Verdict:
    stages = stages_of(plan)
    stay.adopt(plan, stages, now)
    found = _as_accepted(plan, gather.seen(plan, stages, ill, now=now))
    stages[plan.stage - 1].save(update_fields=["soaked_min"])
    verdict = decide(
        policy=found.policy,
        standing=found.standing,
        findings=found.findings,
        recent=found.recent,
        health=found.health,
    )
    verdict = replace(verdict, evidence=verdict.evidence | {"arms": found.arms, "looked_at": now.isoformat()})
    plan.looks, plan.looked_at, plan.evidence = plan.looks + 1, now, verdict.evidence
    _act(plan, stages, verdict, found, now)
    return verdict


def _act(plan: RolloutPlan, stages: list[Stage], verdict: Verdict, found: Seen, now: datetime) -> None:
    whole = flagset()
    if whole.is_guard_paused:
        stay.say(plan, f"The guard is paused. It would {verdict.action}: {' '.join(verdict.reasons)}")
    elif own := stay.own_causes(plan):
        stay.stay(plan, own | stay.unheeded(verdict), now)
    else:
        allowed = _allowed(plan, stages, verdict, whole.is_frozen, whole.approval_over)
        ACTS[allowed.action](plan, stages, allowed, found, now)


def _allowed(
    plan: RolloutPlan, stages: list[Stage], verdict: Verdict, is_frozen: bool, over: Decimal | None
) -> Verdict:
    """What of a verdict may be done: while people hold the plan or freeze all flags, it only goes down."""
    if plan.is_held_by_hand and verdict.action not in {Action.ROLL_BACK, Action.HOLD}:
        return replace(verdict, action=Action.WAIT, reasons=(plan.said,))
    if verdict.action is not Action.ADVANCE:
        return verdict
    goal = stages[plan.stage]
    if is_frozen:
        return replace(verdict, action=Action.WAIT, reasons=("All flags are frozen: it stays where it is.",))
    if over is not None and goal.percent > over:
        said = f"Raising to {written(goal.percent)} % needs a second person: advance it by hand."
        return replace(verdict, action=Action.ASK, reasons=(*verdict.reasons, said))
    return verdict


def _as_accepted(plan: RolloutPlan, found: Seen) -> Seen:
    """An accepted outage that is over is accepted no longer: the next one holds again."""
    anew = replace(found.health, accepted=frozenset())
    present = held(found.policy, found.standing, found.findings, anew)
    kept = [cause for cause in found.health.accepted if cause not in OUTER or cause in present]
    plan.accepted = sorted(kept)
    return replace(found, health=replace(found.health, accepted=frozenset(kept)))
