"""The rules of readiness that flags add: from which values on all is well, and what to do where it isn't."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from flags.health import measures
from monitoring.health.readiness import Curve, Level, Measured, Rule, register

UNTOLD = "No process tells which flags it has: see whether Redis runs, and start the processes."


def register_all() -> None:
    _serving()
    _keeping_order()


def _serving() -> None:
    of = partial(Rule, component="flags", link="rollouts")
    register(
        of(
            name="flag-evaluation",
            title="One evaluation of a flag",
            weight=3,
            measure=_known(measures.evaluation_us, unknown="There is no flag of users: run `manage.py flags seed`."),
            curve=Curve.falling(50, 1000),
            unit="µs",
            limit="at most 50 µs",
            advice="Every request pays for it: see whether the machine is short of CPU.",
        )
    )
    register(
        of(
            name="flags-age",
            title="Since flags were last known to hold",
            weight=2,
            measure=_known(measures.snapshot_age_s),
            curve=Curve.falling(45, 120),
            unit="s",
            limit="at most 45 s",
            advice="Neither Redis nor PostgreSQL answers whether flags changed: see whether they run.",
        )
    )
    register(
        of(
            name="flags-in-step",
            title="Processes with old flags",
            weight=2,
            measure=_known(measures.behind, unknown=UNTOLD),
            curve=Curve.falling(0, 2),
            unit="",
            limit="none",
            advice="Start them anew; the page Rollouts names them.",
        )
    )


def _keeping_order() -> None:
    of = partial(Rule, component="flags", link="rollouts", unit="", limit="none")
    register(
        of(
            name="flags-catalogue",
            title="Flags that the code asks for, without a row",
            weight=1,
            measure=_known(measures.without_row),
            curve=Curve.falling(0, 3),
            advice="Run `manage.py flags seed`: until then nobody can change them.",
        )
    )
    register(
        of(
            name="rollouts-waiting",
            title="Longest wait of a rollout for a person",
            weight=2,
            measure=_known(measures.waiting_h),
            curve=Curve.falling(24, 72),
            unit="h",
            limit="at most 24 h",
            advice="Resume, advance or roll back the plan that is held or asks for a decision.",
        )
    )
    register(
        of(
            name="flags-expired",
            title="Flags past their expiry",
            weight=2,
            measure=_known(measures.expired),
            curve=Curve.falling(0, 5),
            advice="Remove them from the code, or give them another day.",
            level=Level.GOLD,
        )
    )
    register(
        of(
            name="flags-stale",
            title="Flags that somebody should look after",
            weight=1,
            measure=_known(measures.stale),
            curve=Curve.falling(0, 10),
            advice="The page Rollouts lists them with what is wrong: name owners, and remove what is done with.",
            level=Level.GOLD,
        )
    )


def _known(measure: Callable[[datetime], float | None], unknown: str = "") -> Callable[[datetime], Measured]:
    def measured(now: datetime) -> Measured:
        value = measure(now)
        return Measured(value, now, unknown if value is None else "")

    return measured
