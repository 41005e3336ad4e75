"""What people do with a plan that is open: hold, resume, advance, jump, roll back, end."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from flags.change import Person, flagset
from flags.errors import ConflictError, InvalidError
from flags.guard.verdict import Cause
from flags.models import FlagChange, RolloutPlan, Stage
from flags.plan import steps
from flags.plan.begin import is_pinned, may, reason_of
from flags.plan.terms import BACK, written
from monitoring.models import Event, Severity

State = RolloutPlan.State
Tone = Event.Tone
APPROVAL = "It waits for a second person's approval."


@transaction.atomic
def hold(name: str, *, by: Person, reason: str, now: datetime) -> RolloutPlan:
    """Stay at this stage until somebody resumes. The guard still rolls back what does harm."""
    plan, said = _opened(name, by, reason)
    if plan.is_held_by_hand:
        raise ConflictError(f"The plan of {name} is held by hand already.")
    plan.state, plan.is_held_by_hand = State.HELD, True
    plan.causes = [*plan.causes, steps.BY_HAND]
    plan.said = f"{by.name} holds it: {said}"
    plan.save()
    _record(plan, "hold", f"held by {by.name}", by, said, now, Tone.HAND)
    return plan


@transaction.atomic
def resume(name: str, *, by: Person, reason: str, now: datetime) -> RolloutPlan:
    """Go on in spite of what holds it: the guard's causes are accepted, and a hold by hand ends.

    A flag that somebody changed meanwhile gets the stage's share again, by whoever resumes.
    """
    plan, said = _opened(name, by, reason)
    if plan.state == State.ASKING:
        raise ConflictError(f"The plan of {name} needs a decision: advance it, jump, roll it back, or end it.")
    if plan.state != State.HELD:
        raise ConflictError(f"The plan of {name} isn't held: there is nothing to resume.")
    _refuse_pinned(plan)
    accepted = [cause for cause in plan.causes if cause in set(Cause)]
    plan.accepted = sorted({*plan.accepted, *accepted})
    plan.is_held_by_hand, plan.causes = False, []
    if plan.began_version is None:
        plan.state, plan.flag_version = State.SCHEDULED, plan.flag.version
        plan.starts_at = max(plan.starts_at, now)
    elif not _restored(plan, by, said, now):
        return _waits(plan)
    else:
        plan.state = State.RUNNING
    accepts = f", and accepts: {', '.join(accepted)}" if accepted else ""
    plan.said = f"{by.name} resumed it{accepts}. {said}"[:1000]
    plan.save()
    _record(plan, "resume", f"resumed by {by.name}", by, said, now, Tone.HAND)
    return plan


def advance(name: str, *, by: Person, reason: str, now: datetime) -> RolloutPlan:
    """To the next stage now, whether or not this one has proved itself; after the last one the plan is complete."""
    return _moved(name, None, by, reason, now)


def jump(name: str, number: int, *, by: Person, reason: str, now: datetime) -> RolloutPlan:
    """To any stage, by its number from 1, forward or back."""
    return _moved(name, number, by, reason, now)


@transaction.atomic
def roll_back(name: str, *, by: Person, reason: str, now: datetime) -> RolloutPlan:
    """Back to nothing, or to the last certified share where the plan's policy says so; the plan is over."""
    plan, said = _opened(name, by, reason)
    percent = plan.certified_percent if plan.policy.get(BACK) else 0
    plan.flag_version = plan.flag.version  # whatever it stands at: the person has seen it
    action = FlagChange.Action.ROLL_BACK
    steps.share(plan, percent, by=by, reason=said, now=now, action=action, evidence=plan.evidence)
    text = f"{by.name} rolled it back to {written(plan.flag.share)} %: {said}"
    steps.close(plan, State.ROLLED_BACK, said=text, now=now)
    steps.record(plan, "roll_back", text, actor=by.name, reason=said, now=now, is_event=False)
    steps.tell(plan, "rolled back by hand", text, severity=Severity.WARNING, now=now)
    return plan


@transaction.atomic
def end(name: str, *, by: Person, reason: str, now: datetime) -> RolloutPlan:
    """Stop watching: the flag stays where it stands."""
    plan, said = _opened(name, by, reason)
    text = f"{by.name} ended the plan at {written(plan.flag.share)} %: {said}"
    steps.close(plan, State.ENDED, said=text, now=now)
    _record(plan, "end", f"plan ended at {written(plan.flag.share)} %", by, said, now, Tone.HAND)
    return plan


@transaction.atomic
def _moved(name: str, number: int | None, by: Person, reason: str, now: datetime) -> RolloutPlan:
    plan, said = _opened(name, by, reason)
    _refuse_pinned(plan)
    if plan.began_version is None:
        raise ConflictError(f"The plan of {name} hasn't begun. Resume or end it, or wait for its time.")
    if plan.flag.version != plan.flag_version:
        raise ConflictError(f"{name} was changed by hand meanwhile: resume the plan first, which says what happens.")
    stages = steps.stages_of(plan)
    here = stages[plan.stage - 1]
    goal = plan.stage + 1 if number is None else number
    if number is None and goal > len(stages):
        return _completed(plan, here, by, said, now)
    if not 1 <= goal <= len(stages):
        raise InvalidError(("number", f"The plan has stages 1 to {len(stages)}, got {goal}."))
    if goal == plan.stage:
        raise ConflictError(f"The plan of {name} is at stage {goal} already.")
    early = _early(here) if goal > plan.stage else ""
    action = FlagChange.Action.ADVANCE if goal > plan.stage else None
    reason = f"{early}{said}"
    if not steps.enter(plan, stages[goal - 1], by=by, reason=reason, now=now, action=action, evidence=plan.evidence):
        return _waits(plan)
    text = f"{by.name} moved it to {steps.place(stages[goal - 1], len(stages))}. {reason}"
    plan.said = text[:1000]
    plan.save(update_fields=["said"])
    verb = "advance" if number is None else "jump"
    steps.record(plan, verb, text, actor=by.name, reason=reason, now=now, is_event=False)
    steps.tell(plan, "moved by hand", text, severity=Severity.INFO, now=now)
    return plan


def _completed(plan: RolloutPlan, here: Stage, by: Person, said: str, now: datetime) -> RolloutPlan:
    text = f"{by.name} completed it at {written(here.percent)} %. {_early(here)}{said}"
    steps.close(plan, State.DONE, said=text, now=now)
    _record(plan, "finish", text, by, said, now, Tone.HAND)
    return plan


def _early(here: Stage) -> str:
    """What a stage hadn't shown when somebody left it."""
    if here.soaked_min < here.dwell_min:
        return f"Before its time, after {here.soaked_min:.0f} of {here.dwell_min:g} minutes: "
    return "" if here.is_certified else "Before it was proved safe: "


def _restored(plan: RolloutPlan, by: Person, said: str, now: datetime) -> bool:
    """The flag stands at the stage's share again, if anybody changed that; False where that waits for approval."""
    stage = steps.stages_of(plan)[plan.stage - 1]
    plan.flag_version = plan.flag.version
    version = steps.share(plan, stage.percent, by=by, reason=f"Resumes the plan: {said}", now=now)
    if version is None:
        return False
    plan.flag_version = version
    return True


def _waits(plan: RolloutPlan) -> RolloutPlan:
    """The share was proposed: the plan asks until somebody else has approved it."""
    plan.refresh_from_db()
    plan.state, plan.said = State.ASKING, APPROVAL
    plan.save()
    return plan


def _opened(name: str, by: Person, reason: str) -> tuple[RolloutPlan, str]:
    plan = steps.locked(name)
    may(plan.flag, by)
    return plan, reason_of(reason)


def _refuse_pinned(plan: RolloutPlan) -> None:
    if is_pinned(plan.flag.name):
        raise ConflictError(f"{plan.flag.name} is pinned by the environment: take FLAG_FORCE_* away first.")
    if flagset().is_frozen:
        raise ConflictError("All flags are frozen: plans stay where they are until that is ended.")


def _record(plan: RolloutPlan, verb: str, text: str, by: Person, said: str, now: datetime, tone: str) -> None:
    steps.record(plan, verb, text, actor=by.name, reason=said, now=now, tone=tone)
    steps.tell(plan, text, said, severity=Severity.INFO, now=now)
