"""The charts of one operation: its percentiles, how often it is called and fails, how its durations are spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from monitoring.console import charts
from monitoring.console.charts import ERROR_TICKS, Chart, Line, drawn, listed
from monitoring.console.figures import Counted, Measured, shares
from monitoring.formats import duration
from monitoring.metrics.operations import Table
from monitoring.metrics.ranges import Span
from monitoring.models import Event

NOTHING: Final = "No call"


def percentiles(
    name: str, title: str, span: Span, now: Table, before: Table | None, against: str, events: Sequence[Event]
) -> Chart:
    p50, p95, p99 = (_ms(now.line(name, q)) for q in (0.5, 0.95, 0.99))
    lines = [
        Line("p50", p50, " ms", "c-low", {"width": 1.5}),
        Line("p95", p95, " ms", "c-main", {"width": 2.25, "fill": "tonexty", "alpha": 0.13}),
        Line("p99", p99, " ms", "c-high", {"width": 1.5, "dash": "2px,2px"}, "dot"),
    ]
    if before is not None:
        then = _ms(before.line(name, 0.95))
        lines.append(Line(f"p95 {against}", then, " ms", "c-control", {"width": 1.5, "dash": "7px,3px"}, "dash"))
    label = f"Latency of {title}: {listed(lines)} now."
    texts = ("Percentiles", "", label, title, NOTHING)
    return charts.chart("percentiles", texts, span, lines, spec={"unit": " ms", "events": drawn(events, named=True)})


def traffic(title: str, span: Span, calls: Counted, errors: Counted, last_s: float, events: Sequence[Event]) -> Chart:
    """`last_s` is how much of the last step has passed."""
    seconds = [*[float(span.step_s)] * (span.points - 1), last_s]
    rate: Measured = [n / s for n, s in zip(calls, seconds, strict=True)] if any(calls) else [None] * len(calls)
    failing = charts.percents(shares(errors, calls))
    lines = [
        Line("calls", rate, "/s", "c-main", {"fill": "tozeroy", "alpha": 0.1}, is_plain=True),
        Line("errors", failing, " %", "crit", {"fill": "tozeroy", "alpha": 0.22, "width": 1.5, "axis": "y2"}),
    ]
    most = max((share for share in failing if share is not None), default=0)
    ticks = next((ticks for ticks in ERROR_TICKS if ticks[-1] >= most * 1.3), ERROR_TICKS[-1])
    spec = {"unit": "/s", "y2": {"unit": " %", "ticks": ticks, "tone": "crit"}, "events": drawn(events)}
    label = f"{title} is called {lines[0].now}; {lines[1].now} of it fail."
    return charts.chart("calls", ("Calls and errors", "", label, title, NOTHING), span, lines, spec=spec)


def spread(name: str, title: str, span: Span, now: Table, events: Sequence[Event]) -> Chart:
    bounds, counts = now.heat(name)
    about = "how many calls took how long"
    label = f"Durations of {title}."
    if bounds:
        label = f"Durations of {title}: up to {duration(bounds[-1] / 1000)}, the darker the more calls."
    return charts.heat("spread", ("Distribution", about, label, title, NOTHING), span, bounds, counts, events=events)


def _ms(seconds: Measured) -> Measured:
    return [None if value is None else value * 1000 for value in seconds]
