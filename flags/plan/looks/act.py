"""What is done about a verdict. Each ends with the plan saved, the audit log written, and people told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from flags.change import GUARD, PLAN
from flags.errors import FlagError
from flags.guard.decide import uncertified
from flags.guard.verdict import Action, Verdict
from flags.models import FlagChange, RolloutPlan, Stage
from flags.plan import steps
from flags.plan.looks import stay
from flags.plan.looks.gather import Seen
from flags.plan.terms import written
from monitoring.models import Event, Severity

State = RolloutPlan.State
Tone = Event.Tone
Act = Callable[[RolloutPlan, list[Stage], Verdict, Seen, datetime], None]


def roll_back(plan: RolloutPlan, stages: list[Stage], verdict: Verdict, found: Seen, now: datetime) -> None:
    """Unless somebody has changed the flag meanwhile: then people are told, and nothing of theirs is overwritten."""
    percent = plan.certified_percent if found.policy.back_to_certified else 0
    reason, evidence = " ".join(verdict.reasons), verdict.evidence
    action = FlagChange.Action.ROLL_BACK
    try:
        steps.share(plan, percent, by=GUARD, reason=reason, now=now, action=action, evidence=evidence)
    except FlagError as problem:
        stay.refused(plan, problem, verdict, now)
        return
    text = f"Rolled back to {written(plan.flag.share)} % from {steps.place(stages[plan.stage - 1], len(stages))}."
    steps.close(plan, State.ROLLED_BACK, said=f"{text} {reason}", now=now)
    after = {"evidence": evidence}
    steps.record(plan, "roll_back", text, actor=GUARD.name, reason=reason, now=now, is_event=False, after=after)
    steps.tell(plan, "rolled back by its guard", f"{text} {reason}", severity=Severity.CRITICAL, now=now)


def hold(plan: RolloutPlan, stages: list[Stage], verdict: Verdict, found: Seen, now: datetime) -> None:
    said = {str(cause): reason for cause, reason in zip(verdict.causes, verdict.reasons, strict=True)}
    stay.stay(plan, said, now)


def wait(plan: RolloutPlan, stages: list[Stage], verdict: Verdict, found: Seen, now: datetime) -> None:
    stay.go_on(plan, " ".join(verdict.reasons), now)


def advance(plan: RolloutPlan, stages: list[Stage], verdict: Verdict, found: Seen, now: datetime) -> None:
    goal = stages[plan.stage]
    _certify(plan, stages[plan.stage - 1], found)
    said = f"Advances to {steps.place(goal, len(stages))}. {' '.join(verdict.reasons)}"
    action = FlagChange.Action.ADVANCE
    try:
        is_in = steps.enter(plan, goal, by=PLAN, reason=said, now=now, action=action, evidence=verdict.evidence)
    except FlagError as problem:
        stay.refused(plan, problem, verdict, now)
        return
    if not is_in:
        stay.stay(plan, {steps.REFUSED: "Its next share waits for a second person's approval."}, now)
        return
    stay.say(plan, said)
    steps.record(plan, "advance", said, actor=PLAN.name, reason=said, now=now, is_event=False)
    steps.tell(plan, f"advances to {written(goal.percent)} %", said, severity=Severity.INFO, now=now)


def finish(plan: RolloutPlan, stages: list[Stage], verdict: Verdict, found: Seen, now: datetime) -> None:
    here = stages[plan.stage - 1]
    _certify(plan, here, found)
    text, reason = f"complete at {written(here.percent)} %", " ".join(verdict.reasons)
    steps.close(plan, State.DONE, said=f"The rollout is {text}. {reason}", now=now)
    steps.record(plan, "finish", text, actor=PLAN.name, reason=reason, now=now, tone=Tone.OK)
    steps.tell(plan, f"the rollout is {text}", reason, severity=Severity.INFO, now=now)


def ask(plan: RolloutPlan, stages: list[Stage], verdict: Verdict, found: Seen, now: datetime) -> None:
    """People decide, and are told once. A plan that proves itself meanwhile goes on by itself."""
    is_new, reason = plan.state != State.ASKING, " ".join(verdict.reasons)
    plan.causes = []
    stay.say(plan, reason, State.ASKING)
    if is_new:
        text = f"needs a decision. {reason}"
        steps.record(plan, "ask", text, actor=GUARD.name, reason=reason, now=now, tone=Tone.WARN)
        choices = f"{reason} Advance it by hand, roll it back, or end the plan."
        steps.tell(plan, "the rollout needs a decision", choices, severity=Severity.WARNING, now=now)


def _certify(plan: RolloutPlan, here: Stage, found: Seen) -> None:
    """A stage that proved to be safe is one to come back to. At small shares that can't be proved."""
    if uncertified(found.policy, found.standing, found.findings):
        return
    here.is_certified = True
    here.save(update_fields=["is_certified"])
    plan.certified_percent = max(plan.certified_percent, here.percent)


ACTS: Final[Mapping[Action, Act]] = {
    Action.ROLL_BACK: roll_back,
    Action.HOLD: hold,
    Action.WAIT: wait,
    Action.ADVANCE: advance,
    Action.FINISH: finish,
    Action.ASK: ask,
}
