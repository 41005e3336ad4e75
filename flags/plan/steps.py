"""The steps of a plan, for guards and people alike: the flag's share by compare-and-swap, then the plan's own row.

Each runs inside a transaction whose caller holds the plan's row. The flag is written before the plan, as everybody
else writes it: both writes end in the flagset's row, and the other order could wait in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from django.db import transaction
from django.urls import reverse

from flags.change import Person, change
from flags.cohorts import read
from flags.errors import ConflictError, UnknownFlagError
from flags.guard.verdict import Cause
from flags.models import Flag, FlagChange, Proposal, RolloutPlan, Stage
from flags.plan.terms import written
from monitoring import alerts, audit, events
from monitoring.models import Event, Severity

State = RolloutPlan.State
Action = FlagChange.Action
Tone = Event.Tone

# why a plan is held, besides the guard's causes
BY_HAND: Final = "by hand"
CHANGED: Final = "changed by hand"
PINNED: Final = "pinned by environment"
REFUSED: Final = "refused"

SLOW_MS: Final = 1000.0  # slower is slow where nobody knows control's p95 yet
TOLD_AGAIN: Final = timedelta(minutes=30)  # people are told of the same cause once in so long
REASON_LENGTH: Final = 500
SAID_LENGTH: Final = 1000


def open_plan(flag_id: int) -> RolloutPlan | None:
    """The flag's plan that isn't over, if any."""
    return RolloutPlan.objects.filter(flag=flag_id, state__in=RolloutPlan.OPEN).first()


def latest(flag_id: int) -> RolloutPlan | None:
    """The flag's open plan, or else its last."""
    return open_plan(flag_id) or RolloutPlan.objects.filter(flag=flag_id).order_by("-created_at", "-id").first()


def locked(name: str) -> RolloutPlan:
    """The open plan of a flag, locked until the transaction ends. Raises UnknownFlagError, ConflictError."""
    flag = Flag.objects.filter(name=name).first()
    if flag is None:
        raise UnknownFlagError(f"There is no flag {name!r}.")
    rows = RolloutPlan.objects.select_for_update(of=("self",)).select_related("flag")
    plan = rows.filter(flag=flag, state__in=RolloutPlan.OPEN).first()
    if plan is None:
        raise ConflictError(f"{name} has no plan that is open. Start one first.")
    return plan


def stages_of(plan: RolloutPlan) -> list[Stage]:
    return list(plan.stages.order_by("number"))


def enter(
    plan: RolloutPlan,
    stage: Stage,
    *,
    by: Person,
    reason: str,
    now: datetime,
    action: FlagChange.Action | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> bool:
    """Begin a stage: the flag gets its share. False where that waits for a second person's approval.

    Raises StaleError where the flag isn't as the plan left it, and whatever else `change` refuses.
    """
    version = share(plan, stage.percent, by=by, reason=reason, now=now, action=action, evidence=evidence)
    if version is not None:
        entered(plan, stage, version=version, now=now)
    return version is not None


def entered(plan: RolloutPlan, stage: Stage, *, version: int, now: datetime) -> None:
    """The plan's rows of a stage that begins now, with the flag at that version."""
    Stage.objects.filter(plan=plan, number=plan.stage, ended_at=None).update(ended_at=now)
    stage.began_at, stage.ended_at, stage.soaked_min = now, None, 0.0
    stage.save(update_fields=["began_at", "ended_at", "soaked_min"])
    if plan.slow_ms is None:
        # while everybody was off there was no control to measure; once frozen it stays as it is
        plan.slow_ms = read.control_p95_ms(plan.flag.name, now)
    plan.flag_version, plan.stage, plan.state = version, stage.number, State.RUNNING
    plan.began_version = plan.began_version or version
    plan.is_held_by_hand, plan.causes = False, []
    # a sample ratio is accepted for the stage that it was seen in
    plan.accepted = [cause for cause in plan.accepted if cause != Cause.RATIO]
    plan.save()


def share(
    plan: RolloutPlan,
    percent: Any,
    *,
    by: Person,
    reason: str,
    now: datetime,
    action: FlagChange.Action | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> int | None:
    """Give the flag to the percentage; the flag's version after it, or None where that waits for approval."""
    flag = plan.flag
    if flag.everyone is None and flag.percent == percent and flag.version == plan.flag_version:
        return flag.version
    with transaction.atomic():
        done = change(
            flag.name,
            expect=plan.flag_version,
            edit={"everyone": None, "percent": percent},
            by=by,
            reason=cut(reason, REASON_LENGTH),
            now=now,
            action=action,
            evidence=evidence,
        )
    if isinstance(done, Proposal):
        return None
    flag.refresh_from_db()
    return done.version


def close(plan: RolloutPlan, state: RolloutPlan.State, *, said: str, now: datetime) -> None:
    """The plan is over."""
    Stage.objects.filter(plan=plan, number=plan.stage, ended_at=None).update(ended_at=now)
    plan.state, plan.ended_at, plan.said = state, now, cut(said, SAID_LENGTH)
    plan.causes, plan.is_held_by_hand = [], False
    plan.save()


def record(
    plan: RolloutPlan,
    verb: str,
    text: str,
    *,
    actor: str,
    reason: str,
    now: datetime,
    tone: str = Tone.INFO,
    is_event: bool = True,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Into the audit log, and as an event onto the charts where no change of the flag brings its own."""
    if is_event:
        events.record(kind="flag", text=f"{plan.flag.name}: {text}", at=now, tone=tone, actor=actor)
    shown = {"state": str(plan.state), "stage": plan.stage, "percent": str(plan.flag.share)}
    after = shown | {"said": text} | dict(after or {})
    audit.record(actor=actor, action=f"plan.{verb}", subject=plan.flag.name, after=after, reason=reason, at=now)


def tell(plan: RolloutPlan, title: str, text: str, *, severity: Severity, now: datetime) -> None:
    """People, through all alert channels."""
    link = f"{reverse('rollouts')}?open={quote(plan.flag.name)}"
    alerts.tell(f"{plan.flag.name}: {title}", text, severity=severity, link=link, now=now)


def is_news(plan: RolloutPlan, causes: Iterable[str], now: datetime) -> bool:
    """Whether people weren't told of one of these lately. Notes that they are; the caller saves the plan."""
    fresh = [
        each for each in causes if each not in plan.told or now - datetime.fromisoformat(plan.told[each]) >= TOLD_AGAIN
    ]
    plan.told = plan.told | {each: now.isoformat() for each in fresh}
    return bool(fresh)


def place(stage: Stage, count: int) -> str:
    """stage 3 of 6, 10 %"""
    return f"stage {stage.number} of {count}, {written(stage.percent)} %"


def cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
