"""What another share of a flag does to whom, and what bears on it now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from flags import change, plan, snapshot
from flags.models import Flag, Flagset, Proposal, RolloutPlan
from flags.views.acts import doors
from flags.views.acts.sheet import Warn
from monitoring import breakers
from monitoring.console.pages import Fact
from monitoring.formats import age, number

NAMED: Final = 5  # of the largest units
BREAKERS: Final = 3


@dataclass(frozen=True, slots=True)
class Around:
    """`barred` is why nobody can change it now."""

    facts: tuple[Fact, ...]
    note: str
    warnings: tuple[Warn, ...]
    outlook: tuple[tuple[str, str], ...]
    barred: str


def around(flag: Flag, percent: Decimal, *, now: datetime) -> Around:
    """All that somebody has to know before `flag` goes to `percent`."""
    blast = change.blast(flag.name, percent, now=now)
    flagset = change.flagset()
    warnings = _warnings(flag, percent, flagset)
    if percent > flag.share:
        warnings += _hiding(now)
    outlook = (
        ("If it does harm", "lower or kill it: one click, no question"),
        ("Undo", "any time, one click, no deploy"),
        ("Seen by every process", "within a second"),
    )
    return Around(facts(flag, blast), note(flag, blast), warnings, outlook, barred(flag, flagset))


def before_plan(flag: Flag, now: datetime) -> tuple[Warn, ...]:
    """What somebody has to know before a plan starts."""
    found = _standing(flag, change.flagset()) + _hiding(now)
    if plan.open_plan(flag.pk) is None:
        return found
    return (Warn("It has a plan already.", "End that one before another starts.", "info", "play"), *found)


def barred(flag: Flag, flagset: Flagset) -> str:
    """Why nobody can change its share now, "" where somebody can."""
    if flagset.is_frozen:
        return "All changes are frozen; only killing works."
    return "It is pinned by the environment." if _is_pinned(flag) else ""


def facts(flag: Flag, blast: change.Blast) -> tuple[Fact, ...]:
    """As it will be, beside what it is."""
    about = "about " if blast.is_estimate else ""
    sign = -1 if blast.is_lowering else 1
    units = blast.units_before + sign * blast.units
    rate = blast.per_minute_before + sign * blast.per_minute
    crossing = "Workspaces leaving" if blast.is_lowering else "Workspaces entering"
    return (
        Fact(f"{doors.UNITS[flag.unit].capitalize()} exposed", f"{about}{number(units)}", _from(blast.units_before)),
        Fact(crossing, f"{about}{number(blast.workspaces)}", f"{number(blast.workspaces_before)} have it now"),
        Fact("Requests a minute", f"{about}{number(round(rate, 1))}", _from(round(blast.per_minute_before, 1))),
    )


def _from(value: float) -> str:
    return f"from {number(value)}"


def note(flag: Flag, blast: change.Blast) -> str:
    """Whom the figures count, and who is large among those that come or go."""
    units, window = doors.UNITS[flag.unit], age(blast.window_h * 3600)
    if not blast.units and not blast.units_before:
        return f"None of the {units} seen in the last {window} changes."
    estimate = ", an estimate" if blast.is_estimate else ""
    said = f"Of the {units} seen in the last {window}{estimate}."
    largest = ", ".join(f"{who} ({number(round(rate, 1))} a minute)" for who, rate in blast.largest[:NAMED])
    return f"{said} Largest to {'leave' if blast.is_lowering else 'enter'}: {largest}." if largest else said


def _warnings(flag: Flag, percent: Decimal, flagset: Flagset) -> tuple[Warn, ...]:
    found = list(_standing(flag, flagset))
    if plan.open_plan(flag.pk) is not None:
        found.append(Warn("A rollout plan runs.", "Another share by hand holds it until somebody resumes it."))
    over = flagset.approval_over
    if over is not None and percent > over and percent > flag.share:
        text = "Confirming makes a proposal, and the share stays as it is until then."
        found.append(Warn(f"Over {doors.percent(over)} a second person has to approve.", text, "info", "user"))
    return tuple(found)


def _standing(flag: Flag, flagset: Flagset) -> tuple[Warn, ...]:
    """What forbids changes, and who else wants one."""
    found = []
    if flagset.is_frozen:
        why = f"{flagset.actor}: {flagset.reason}" if flagset.reason else "End the freeze first."
        found.append(Warn("All changes are frozen.", why, "crit", "lock"))
    if _is_pinned(flag):
        text = "Take its FLAG_FORCE variable away and start the processes anew; until then it can't be changed here."
        found.append(Warn("It is pinned by the environment.", text, "info", "lock"))
    waiting = Proposal.objects.filter(flag=flag, state=Proposal.State.WAITING).first()
    if waiting is not None and waiting.version == flag.version:
        found.append(Warn(f"A proposal by {waiting.actor} waits.", "Approve or refuse it first.", "info", "user"))
    return tuple(found)


def _is_pinned(flag: Flag) -> bool:
    known = snapshot.current().flags.get(flag.name)
    return known is not None and known.is_pinned


def _hiding(now: datetime) -> tuple[Warn, ...]:
    """Breakers that refuse calls: what they keep from being called can't be seen to fail."""
    refusing = [view.title for view in breakers.overview(now) if not view.state.lets_pass]
    if not refusing:
        return ()
    more = len(refusing) - BREAKERS
    named = ", ".join(refusing[:BREAKERS]) + (f" and {more} more" if more > 0 else "")
    lead = f"{named} refuses calls." if len(refusing) == 1 else f"{named} refuse calls."
    return (Warn(lead, "Errors that this flag would cause behind them are hidden until the breakers close."),)


def open_plans() -> int:
    """How many rollouts run or wait."""
    return RolloutPlan.objects.filter(state__in=RolloutPlan.OPEN).count()
