"""The seven figures of the Queues page, each beside its limit or what it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from memory.jobs.figures import Level
from memory.views.queues.series import Series
from monitoring.console.figures import OLDEST_LIMIT_S, shares
from monitoring.console.strip import NONE, Delta, Kpi
from monitoring.formats import apart, duration, number, percent

FAILED_LIMIT: Final = 0.01  # a run in a hundred
RISING: Final = 1.1  # a tenth more comes than goes


def all_of(levels: Sequence[Level], series: Series, *, dead: int, period: str) -> list[Kpi]:
    """`dead` jobs wait for a decision; `period` is the range in words."""
    return [
        _open(levels, series),
        _oldest(levels, series),
        _in(levels, series, period),
        _out(levels, series),
        _wait(series),
        _failed(series),
        _dead(series, dead, period),
    ]


def _open(levels: Sequence[Level], series: Series) -> Kpi:
    running = sum(level.running for level in levels)
    depth = sum(level.depth for level in levels)
    return Kpi("open", "Open jobs", number(depth), Delta(f"{number(running)} running"), "queues", "", series.open())


def _oldest(levels: Sequence[Level], series: Series) -> Kpi:
    oldest_s = max((level.oldest_s for level in levels), default=0.0)
    late = oldest_s > OLDEST_LIMIT_S
    value, unit = apart(duration(oldest_s)) if oldest_s else ("None", "")
    delta = Delta(f"{'over' if late else 'limit'} {OLDEST_LIMIT_S} s", "clock" if late else "", "warn" if late else "")
    return Kpi("oldest", "Oldest due", value, delta, "levels", unit, series.oldest, "warn" if late else "c-main")


def _in(levels: Sequence[Level], series: Series, period: str) -> Kpi:
    delta = Delta(f"{number(sum(series.all_of('in')))} in this {period}")
    return Kpi(
        "in", "Submitted", _rate(sum(level.in_rate for level in levels)), delta, "throughput", "/s", series.rate("in")
    )


def _out(levels: Sequence[Level], series: Series) -> Kpi:
    coming, going = sum(level.in_rate for level in levels), sum(level.out_rate for level in levels)
    delta = Delta("as they come" if coming or going else "none now")
    if coming > going * RISING:
        delta = Delta(f"{_rate(coming - going)}/s behind", "down-arrow", "warn")
    elif going > coming * RISING:
        delta = Delta(f"{_rate(going - coming)}/s ahead", "up-arrow")
    return Kpi("out", "Done", _rate(going), delta, "throughput", "/s", series.rate("out"))


def _wait(series: Series) -> Kpi:
    p95_s, urgent_s = series.wait_p95_s[""], series.wait_p95_s["high"]
    value, unit = apart(duration(p95_s)) if p95_s is not None else (NONE, "")
    delta = Delta(f"urgent {duration(urgent_s)}" if urgent_s is not None else "no urgent job")
    return Kpi("wait", "Wait p95", value, delta, "waits", unit, series.waits["normal"])


def _failed(series: Series) -> Kpi:
    failed = [a + b for a, b in zip(series.all_of("failed"), series.all_of("dead"), strict=True)]
    runs = [a + b for a, b in zip(failed, series.all_of("out"), strict=True)]
    share = sum(failed) / sum(runs) if sum(runs) else None
    is_bad = (share or 0) > FAILED_LIMIT
    value, unit = apart(percent(share)) if share is not None else (NONE, "")
    delta = Delta(
        f"{number(sum(failed))} of {number(sum(runs))}" if sum(runs) else "no run yet", "", "warn" if is_bad else ""
    )
    return Kpi(
        "failed", "Failed runs", value, delta, "throughput", unit, shares(failed, runs), "crit" if is_bad else "c-main"
    )


def _dead(series: Series, dead: int, period: str) -> Kpi:
    died = sum(series.all_of("dead"))
    delta = Delta(f"{number(died)} in this {period}", "crit" if died else "", "crit" if died else "")
    colour = "crit" if died else "c-main"
    return Kpi(
        "dead", "Dead letters", number(dead) if dead else "None", delta, "dead", "", [*series.all_of("dead")], colour
    )


def _rate(per_s: float) -> str:
    return number(float(f"{per_s:.3g}"))
