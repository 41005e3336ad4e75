"""The health of flags: what readiness asks of them, and drills with a flag of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from time import perf_counter
from typing import Final

from flags import rollout, snapshot
from flags.models import Flag
from monitoring.health.drills import Drill, Spec, require
from monitoring.health.drills import register as register_drill
from monitoring.health.readiness import Curve, Level, Measured, Rule, register

UNITS: Final = tuple(f"unit-{number}" for number in range(1000))
STAGES: Final = (0, 1, 10, 25, 50, 100)
# three standard deviations of a share of 1,000 units at a half: what chance explains
SLACK_PT: Final = 4.8
CALLS: Final = 200
SEEN_S: Final = 3.0


def evaluation(now: datetime) -> Measured:
    """Microseconds of one evaluation."""
    rollout.is_on("readiness", UNITS[0])
    began = perf_counter()
    for unit in UNITS[:CALLS]:
        rollout.is_on("readiness", unit)
    return Measured((perf_counter() - began) / CALLS * 1e6, now)


def expired(now: datetime) -> Measured:
    today = now.date()
    days = (flag.expires_on for flag in Flag.objects.all())
    return Measured(float(sum(day is not None and day < today for day in days)), now)


def feature_flags(drill: Drill) -> None:
    """A flag of its own at none, a quarter and all of a thousand units."""
    flag = _flag(drill)
    with drill.step("evaluate it at 0 %") as step:
        require(not _on(flag), "Some units have it at 0 %.")
        step.detail = f"none of {len(UNITS)} units"
    _set(flag, 25)
    with drill.step("evaluate it at 25 %") as step:
        first = _on(flag)
        require(_on(flag) == first, "The same units got other answers the second time.")
        step.detail = f"{len(first)} of {len(UNITS)} units, the same ones each time"
    _set(flag, 100)
    with drill.step("evaluate it at 100 %") as step:
        require(len(_on(flag)) == len(UNITS), "Some units don't have it at 100 %.")
        step.detail = f"all {len(UNITS)} units"
    drill.figure("away from 25 %", abs(len(first) / len(UNITS) * 100 - 25), "pt", SLACK_PT)
    drill.figure("one evaluation", _each_us(flag), "µs", 50)


def stages(drill: Drill) -> None:
    """All stages up and down again: who has it keeps it while the share rises."""
    flag = _flag(drill)
    seen: list[set[str]] = []
    worst = 0.0
    for stage in STAGES:
        _set(flag, stage)
        with drill.step(f"raise it to {stage} %") as step:
            on = _on(flag)
            require(not seen or seen[-1] <= on, "Somebody who had it lost it while the share rose.")
            seen.append(on)
            worst = max(worst, abs(len(on) / len(UNITS) * 100 - stage))
            step.detail = f"{len(on)} of {len(UNITS)} units, all of the stage before among them"
    _set(flag, 10)
    with drill.step("roll it back to 10 %") as step:
        require(_on(flag) == seen[2], "Others have it than when the share was 10 % before.")
        step.detail = "the same units as on the way up"
    drill.figure("farthest from a stage's share", worst, "pt", SLACK_PT)


def feature_toggle(drill: Drill) -> None:
    """Switch it on and off for everyone, and wait until evaluation, left to itself, sees it."""
    flag = _flag(drill)
    rollout.is_on(flag.name, UNITS[0])
    times = []
    for wanted in (True, False):
        with drill.step(f"switch it {'on' if wanted else 'off'} for everyone") as step:
            Flag.objects.filter(pk=flag.pk).update(everyone=wanted)
            took_s = drill.wait(
                partial(_is, flag.name, wanted),
                at_most_s=SEEN_S,
                otherwise=f"Evaluation had not seen it after {SEEN_S:g} s.",
            )
            times.append(took_s * 1000)
            step.detail = f"seen after {took_s * 1000:.0f} ms"
    drill.figure("until it is seen", max(times), "ms", 1500)


def clean(scope: str) -> None:
    """Remove the drills' flags whose names begin so."""
    for flag in Flag.objects.filter(name__startswith=scope):
        flag.delete()
    snapshot.forget()


DRILLS: Final[Sequence[tuple[str, str, str, Callable[[Drill], None]]]] = (
    ("feature-flags-test", "Feature flags", "A flag of its own at 0, 25 and 100 % of 1,000 units.", feature_flags),
    ("rollout-test", "Rollout", "Raises a flag of its own stage by stage, and rolls it back.", stages),
    ("feature-toggle-test", "Feature toggle", "Switches a flag of its own until that is seen.", feature_toggle),
)


def register_all() -> None:
    of = partial(Rule, component="flags", link="admin:flags_flag_changelist")
    register(
        of(
            name="flag-evaluation",
            title="One evaluation of a flag",
            weight=3,
            measure=evaluation,
            curve=Curve.falling(50, 1000),
            unit="µs",
            limit="at most 50 µs",
            advice="Every request pays for it: see whether the machine is short of CPU.",
        )
    )
    register(
        of(
            name="flags-expired",
            title="Flags past their expiry",
            weight=2,
            measure=expired,
            curve=Curve.falling(0, 5),
            unit="",
            limit="none",
            advice="Remove them from the code, or give them another day.",
            level=Level.GOLD,
        )
    )
    for name, title, about, do in DRILLS:
        register_drill(Spec(name=name, title=title, about=about, do=do, clean=clean))


def _flag(drill: Drill) -> Flag:
    with drill.step("make a flag") as step:
        flag = Flag(name=drill.scope, percent=Decimal(0), owner="drill", note="Made by a drill.")
        flag.save()
        snapshot.forget()
        step.detail = "no other flag is touched"
    return flag


def _set(flag: Flag, percent: int) -> None:
    Flag.objects.filter(pk=flag.pk).update(percent=Decimal(percent))
    snapshot.forget()


def _on(flag: Flag) -> set[str]:
    return {unit for unit in UNITS if rollout.is_on(flag.name, unit)}


def _is(name: str, wanted: bool) -> bool:
    return rollout.is_on(name, UNITS[0]) is wanted


def _each_us(flag: Flag) -> float:
    began = perf_counter()
    for unit in UNITS:
        rollout.is_on(flag.name, unit)
    return (perf_counter() - began) / len(UNITS) * 1e6
