"""The charts of the Queues page: what comes and goes, how long it waits, how much is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from memory.views.queues.series import LEVELS, Series
from monitoring.console import charts
from monitoring.console.charts import Chart, Line, drawn, listed
from monitoring.console.figures import Measured, latest
from monitoring.formats import duration
from monitoring.models import Event

SUBMIT: Final = "POST /api/v1/jobs"
DASHES: Final = {
    "critical": "2px,2px",
    "high": "solid",
    "normal": "7px,2px",
    "low": "7px,2px,2px,2px",
    "bulk": "4px,4px",
}
DECADES: Final = (
    (1, "1 ms"),
    (10, "10 ms"),
    (100, "100 ms"),
    (1000, "1 s"),
    (10_000, "10 s"),
    (100_000, "100 s"),
    (10**6, "17m"),
    (10**7, "3 h"),
)
TICKS: Final = 5  # more words stand too close
TONES: Final = {"critical": "c-2", "high": "c-1", "normal": "c-3", "low": "c-4", "bulk": "c-control"}


def throughput(series: Series, events: Sequence[Event]) -> Chart:
    done = series.rate("out")
    lines = [
        Line("in", series.rate("in"), "/s", "c-high", {"width": 1.5, "dash": "2px,2px"}, "dot"),
        Line("done", done, "/s", "c-main", {"width": 2, "fill": "tozeroy", "alpha": 0.1}),
    ]
    failed = series.rate("failed")
    if any(failed):
        lines.append(Line("failed", failed, "/s", "crit", {"width": 1.5, "fill": "tozeroy", "alpha": 0.22}))
    texts = ("Throughput", "", f"Jobs: {listed(lines)}.", SUBMIT, "No job")
    return charts.chart("throughput", texts, series.span, lines, spec={"unit": "/s", "events": drawn(events)})


def waits(series: Series, events: Sequence[Event]) -> Chart:
    """On a logarithmic scale: the point is that urgent jobs wait milliseconds while bulk ones wait minutes."""
    known = [level for level in LEVELS if any(value is not None for value in series.waits[level])]
    lines = [_wait(level, series.waits[level]) for level in known]
    values = [value for line in lines for value in line.values if value is not None]
    spec = {"unit": " ms", "log": _decades(min(values, default=1), max(values, default=1)), "events": drawn(events)}
    texts = ("Wait before a start", "p95", f"Wait, p95: {listed(lines)}.", SUBMIT, "No job was started")
    return charts.chart("waits", texts, series.span, lines, spec=spec)


def _wait(level: str, waits_s: Measured) -> Line:
    now_s, dash = latest(waits_s), DASHES[level]
    floored = [None if value is None else max(value * 1000, DECADES[0][0]) for value in waits_s]
    stroke = {"solid": "", "2px,2px": "dot"}.get(dash, "dash")
    said = "" if now_s is None else duration(now_s)
    return Line(level, floored, " ms", TONES[level], {"width": 1.5, "dash": dash}, stroke, said=said)


def _decades(least: float, most: float) -> dict[str, list[Any]]:
    """The ticks from the decade that `least` lies in to the end of the one of `most`, both in milliseconds."""
    first = max((i for i, (value, _) in enumerate(DECADES) if value <= least), default=0)
    last = min((i for i, (value, _) in enumerate(DECADES) if value >= most), default=len(DECADES) - 1)
    chosen = DECADES[first : max(last, first + 1) + 1]
    every = 2 if len(chosen) > TICKS else 1
    words = [words if i % every == 0 else "" for i, (_, words) in enumerate(chosen)]
    return {"ticks": [value for value, _ in chosen], "words": words}


def depth(series: Series, events: Sequence[Event]) -> Chart:
    return charts.depth(series.span, {f"queue.{level}": series.depth[level] for level in LEVELS}, events)
