"""Starts a plan, at once or when its time comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import IntegrityError, transaction

from flags import snapshot
from flags.change import PLAN, Person, change, flagset
from flags.errors import ConflictError, FlagError, InvalidError, StaleError, UnknownFlagError
from flags.models import Flag, Proposal, RolloutPlan, Stage
from flags.plan import steps, terms
from monitoring.formats import clock
from monitoring.models import Event, Severity

State = RolloutPlan.State
COOL_DOWN: Final = timedelta(minutes=60)  # after a rollback
FARTHEST: Final = timedelta(days=90)  # of a scheduled start
REASONS: Final = (8, 500)


@transaction.atomic
def start(
    name: str,
    *,
    stages: Sequence[tuple[Any, Any]] | None,
    template: str = "",
    by: Person,
    reason: str,
    now: datetime,
    starts_at: datetime | None = None,
    policy: Mapping[str, Any] | None = None,
) -> RolloutPlan:
    """A new plan for flag `name`, by stages of (percent, minutes at least) or a template's name.

    A flag that is off is given to the percentage at the first stage, whatever share it had kept. Raises
    UnknownFlagError, NotAllowedError, InvalidError, and ConflictError while another plan is open, the flag is pinned
    or on for everyone, all flags are frozen, or the last plan was rolled back less than an hour ago and the reason
    doesn't speak of the cool-down.
    """
    # the flag before the flagset, which a plan's row writes to by trigger: as every change takes them
    flag = Flag.objects.select_for_update().filter(name=name).first()
    if flag is None:
        raise UnknownFlagError(f"There is no flag {name!r}.")
    may(flag, by)
    said = reason_of(reason)
    _refuse(flag, said, now)
    walked = terms.stages(stages, template, share=flag.share, name=name)
    plan = RolloutPlan(
        flag=flag,
        template="" if stages is not None else template,
        policy=terms.checked(policy),
        starts_at=starts_at or now,
        flag_version=flag.version,
        actor=by.name,
        reason=said,
        created_at=now,
    )
    if starts_at is not None and starts_at > now:
        return _schedule(plan, walked, by, now)
    plan.starts_at = now
    try:
        _begin(plan, walked, by=by, reason=said, now=now)
    except IntegrityError:
        raise ConflictError(f"Somebody else has just started a plan for {name}. Look at it first.") from None
    return plan


def begin_scheduled(plan: RolloutPlan, now: datetime) -> bool:
    """The time of a scheduled plan has come: begin it, or hold it where it can't be begun. Its row is locked."""
    why = steps.PINNED if is_pinned(plan.flag.name) else ""
    if flagset().is_frozen:
        return False  # it waits, as everything does
    try:
        if why:
            raise ConflictError(f"{plan.flag.name} is pinned by the environment.")
        with transaction.atomic():
            first = steps.stages_of(plan)[0]
            if not steps.enter(plan, first, by=PLAN, reason=f"Begins as scheduled: {plan.reason}", now=now):
                raise ConflictError("Its first share needs a second person's approval.")
    except FlagError as problem:
        plan.refresh_from_db()
        cause = steps.CHANGED if isinstance(problem, StaleError) else why or steps.REFUSED
        plan.state, plan.causes, plan.said = State.HELD, [cause], f"It could not begin: {problem}"[:1000]
        plan.save()
        steps.record(plan, "hold", plan.said, actor=PLAN.name, reason=plan.said, now=now, tone=Event.Tone.WARN)
        steps.tell(plan, "the scheduled rollout is held", plan.said, severity=Severity.WARNING, now=now)
        return False
    plan.starts_at = now
    plan.save(update_fields=["starts_at"])
    _tell(plan, steps.stages_of(plan), actor=PLAN.name, now=now)
    return True


def may(flag: Flag, by: Person) -> None:
    """Raises NotAllowedError where this person may not change the flag."""
    by.require_change()
    if flag.is_locked:
        by.require_approve(f"{flag.name} is locked")


def reason_of(given: str) -> str:
    """The reason, in one line. Raises InvalidError for one that says nothing or too much."""
    said = " ".join(given.split())
    if not REASONS[0] <= len(said) <= REASONS[1]:
        raise InvalidError(("reason", f"Say why in {REASONS[0]} to {REASONS[1]} characters, got {len(said)}."))
    return said


def is_pinned(name: str) -> bool:
    """By the environment, which no plan can move."""
    flag = snapshot.current().flags.get(name)
    return flag is not None and flag.is_pinned


def _refuse(flag: Flag, reason: str, now: datetime) -> None:
    """Raises ConflictError where no plan can start as things stand."""
    name = flag.name
    if steps.open_plan(flag.pk) is not None:
        raise ConflictError(f"{name} has a plan already. End that one first.")
    if flagset().is_frozen:
        raise ConflictError("All flags are frozen: nothing starts until that is ended.")
    if is_pinned(name):
        raise ConflictError(f"{name} is pinned by the environment: take FLAG_FORCE_* away first.")
    if flag.share == 100:
        raise ConflictError(f"{name} is on for everyone: there is nothing to roll out. Lower it first.")
    back = RolloutPlan.objects.filter(flag=flag, state=State.ROLLED_BACK, ended_at__gt=now - COOL_DOWN).first()
    if (
        back is not None
        and back.ended_at is not None
        and "cool-down" not in reason.lower().replace("cool down", "cool-down")
    ):
        until = back.ended_at + COOL_DOWN
        minutes = (now - back.ended_at).total_seconds() / 60
        raise ConflictError(
            f"{name} was rolled back {minutes:.0f} minutes ago. Start it after {clock(until)}, or write into the "
            "reason why the cool-down need not be waited for."
        )


def _schedule(plan: RolloutPlan, walked: Sequence[tuple[Decimal, float]], by: Person, now: datetime) -> RolloutPlan:
    if plan.starts_at > now + FARTHEST:
        raise InvalidError(("starts_at", f"A plan is scheduled for the next {FARTHEST.days} days at most."))
    try:
        with transaction.atomic():
            _save(plan, walked)
    except IntegrityError:
        raise ConflictError(f"Somebody else has just started a plan for {plan.flag.name}. Look at it first.") from None
    steps.record(
        plan, "schedule", f"begins at {plan.starts_at:%Y-%m-%d %H:%M} UTC", actor=by.name, reason=plan.reason, now=now
    )
    return plan


def _begin(
    plan: RolloutPlan, walked: Sequence[tuple[Decimal, float]], *, by: Person, reason: str, now: datetime
) -> None:
    """The flag first, then the rows: see `flags.plan.steps`."""
    percent, flag = walked[0][0], plan.flag
    if flag.everyone is not None or flag.percent != percent:
        done = change(
            flag.name, expect=flag.version, edit={"everyone": None, "percent": percent}, by=by, reason=reason, now=now
        )
        if isinstance(done, Proposal):
            raise ConflictError(
                f"{terms.written(percent)} % is more than one person may raise to: begin with a smaller stage."
            )
        flag.refresh_from_db()
    plan.flag_version = flag.version
    with transaction.atomic():
        _save(plan, walked)
    stages = steps.stages_of(plan)
    steps.enter(plan, stages[0], by=by, reason=reason, now=now)
    _tell(plan, stages, actor=by.name, now=now)


def _save(plan: RolloutPlan, walked: Sequence[tuple[Decimal, float]]) -> None:
    plan.save(force_insert=True)
    Stage.objects.bulk_create(
        Stage(plan=plan, number=number, percent=percent, dwell_min=dwell_min)
        for number, (percent, dwell_min) in enumerate(walked, 1)
    )


def _tell(plan: RolloutPlan, stages: Sequence[Stage], *, actor: str, now: datetime) -> None:
    text = f"The rollout begins: {steps.place(stages[0], len(stages))}."
    plan.said = text
    plan.save(update_fields=["said"])
    steps.record(plan, "start", text, actor=actor, reason=plan.reason, now=now)
    steps.tell(plan, "the rollout begins", f"{text} {actor}: {plan.reason}", severity=Severity.INFO, now=now)
