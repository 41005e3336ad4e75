"""Staying where a plan is: why, since when people know, and what becomes of a flag that somebody changed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from flags.change import GUARD
from flags.errors import FlagError, StaleError
from flags.guard.verdict import Action, Cause, Verdict
from flags.models import FlagChange, Proposal, RolloutPlan, Stage
from flags.plan import steps
from flags.plan.begin import is_pinned
from flags.plan.terms import written
from monitoring.models import Event, Severity

State = RolloutPlan.State
HARM: Final = "harm not acted on"
# what a change of a flag touches when it changes who is in
DECISIVE: Final = {"everyone", "percent", "rules", "needs", "starts_at", "ends_at", "salt", "unit"}
LOOKED: Final = ("looks", "looked_at", "evidence", "said", "causes", "accepted", "told", "flag_version")


def say(plan: RolloutPlan, text: str, state: RolloutPlan.State | None = None) -> None:
    """Saves what a look found. The state is written only where it changes: that tells all processes."""
    fields = list(LOOKED)
    if state is not None and state != plan.state:
        plan.state = state
        fields.append("state")
    plan.said = steps.cut(text, steps.SAID_LENGTH)
    plan.save(update_fields=fields)


def stay(plan: RolloutPlan, said: Mapping[str, str], now: datetime) -> None:
    """Hold, for these causes with their words. People are told of a cause that is new, once in a while."""
    fresh = [cause for cause in said if cause not in plan.causes]
    is_news = bool(fresh) and steps.is_news(plan, fresh, now)
    plan.causes = [*said, *([steps.BY_HAND] if plan.is_held_by_hand else [])]
    text = " ".join(said.values())
    say(plan, text, State.HELD)
    if is_news:
        after = {"causes": list(plan.causes), "evidence": plan.evidence}
        tone = Event.Tone.WARN
        steps.record(plan, "hold", f"held. {text}", actor=GUARD.name, reason=text, now=now, tone=tone, after=after)
        severity = Severity.CRITICAL if HARM in said else Severity.WARNING
        steps.tell(plan, f"the rollout is held: {', '.join(said)}", text, severity=severity, now=now)


def go_on(plan: RolloutPlan, text: str, now: datetime) -> None:
    """Nothing holds it any more, if anything did; an early warning comes and goes, and isn't told again."""
    if plan.is_held_by_hand:
        plan.causes = [steps.BY_HAND]
        say(plan, text, State.HELD)
        return
    was, is_over = set(plan.causes), plan.state == State.HELD
    plan.causes = []
    say(plan, text, State.RUNNING)
    if is_over and was - {str(Cause.WARNING)}:
        over = f"goes on: {', '.join(sorted(was))} is over"
        steps.record(plan, "go_on", over, actor=GUARD.name, reason=text, now=now, tone=Event.Tone.OK)
        steps.tell(
            plan, "the rollout goes on", f"Over: {', '.join(sorted(was))}. {text}", severity=Severity.INFO, now=now
        )


def refused(plan: RolloutPlan, problem: FlagError, verdict: Verdict, now: datetime) -> None:
    """The flag could not be written: whoever changed it is right, and people decide."""
    plan.flag.refresh_from_db()
    cause = steps.CHANGED if isinstance(problem, StaleError) else steps.REFUSED
    stay(plan, {cause: str(problem)} | unheeded(verdict), now)


def unheeded(verdict: Verdict) -> dict[str, str]:
    """What people have to know of a rollback that isn't done."""
    if verdict.action is not Action.ROLL_BACK:
        return {}
    return {HARM: f"The guard would roll back, and leaves that to people: {' '.join(verdict.reasons)}"}


def own_causes(plan: RolloutPlan) -> dict[str, str]:
    """Why this plan can't move its flag, whatever the guard says."""
    flag = plan.flag
    if is_pinned(flag.name):
        return {steps.PINNED: f"FLAG_FORCE_* holds {flag.name}, whatever its share."}
    if flag.version == plan.flag_version:
        return {}
    latest = FlagChange.objects.filter(flag=flag).order_by("-version", "-at").first()
    who = f"{latest.actor}: {latest.reason}" if latest is not None and latest.version == flag.version else "nobody said"
    return {
        steps.CHANGED: f"Changed by hand, it stands at {written(flag.share)} % now ({who}). Resume or end the plan."
    }


def adopt(plan: RolloutPlan, stages: list[Stage], now: datetime) -> None:
    """A change that leaves who is in as it was isn't one for the plan; one that it had itself proposed is its step."""
    flag = plan.flag
    if plan.flag_version is None or flag.version == plan.flag_version:
        return
    changes = list(FlagChange.objects.filter(flag=flag, version__gt=plan.flag_version).order_by("version"))
    is_known = bool(changes) and changes[-1].version == flag.version
    if is_known and not any(DECISIVE & (set(each.before) | set(each.after)) for each in changes):
        plan.flag_version = flag.version
        return
    approved = Proposal.objects.filter(flag=flag, state=Proposal.State.APPROVED, version=plan.flag_version)
    goal = next((stage for stage in stages if stage.percent == flag.share), None)
    if goal is not None and len(changes) == 1 and is_known and approved.exists():
        steps.entered(plan, goal, version=flag.version, now=now)
