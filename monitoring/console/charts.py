"""The console's charts: what Plotly draws, and the same in words, in a legend and in a table.

Colours are names of CSS tokens, so that a change of theme needs no new data. The shape of `spec` is told in charts.js.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from monitoring import formats
from monitoring.console.figures import ERRORS, PRIORITIES, REQUESTS, Figures, Measured, latest, shares
from monitoring.metrics import ranges
from monitoring.metrics.read import Span
from monitoring.models import Event

Texts = tuple[str, str, str, str, str]  # title, about, label, the call that makes data, what is missing without it

UTC_FORM = "%Y-%m-%dT%H:%M:%SZ"
TABLE_ROWS = 12
HEAT_COLUMNS = 8
AROUND = timedelta(minutes=30)
NAMED_EVENTS = 6  # more names than this are unreadable above a chart
# a scale that ended under 4 % would make a single failure look like an outage
ERROR_TICKS = ((2, 4), (4, 8), (4, 8, 12), (10, 20), (20, 40), (30, 60), (50, 100))
CACHE_STYLES = (("c-1", "solid"), ("c-3", "7px,2px"), ("c-2", "2px,2px"), ("c-4", "7px,2px,2px,2px"))
# the share of ink rises towards the top of the stack; the legend runs the same way
QUEUE_STYLES = {
    "critical": ("c-2", 0.8),
    "high": ("c-1", 0.7),
    "normal": ("c-3", 0.45),
    "low": ("c-4", 0.24),
    "bulk": ("c-control", 0.16),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart. `values` are in the chart's unit."""

    name: str
    values: Measured
    unit: str
    tone: str
    style: dict[str, Any] = field(default_factory=dict)
    key: str = ""  # the stroke of its key in the legend: "", dot, dash or fill
    is_plain: bool = False  # the legend needs no name: the chart's title says it
    said: str = ""  # the latest value, where people would not say it in the chart's unit

    @property
    def now(self) -> str:
        return self.said or written(latest(self.values), self.unit)

    def cell(self, i: int) -> str:
        return written(self.values[i], self.unit).removesuffix(self.unit)

    def spec(self) -> dict[str, Any]:
        rounded = [None if value is None else float(f"{value:.4g}") for value in self.values]
        return {"name": self.name, "y": rounded, "unit": self.unit, "tone": self.tone, **self.style}


@dataclass(frozen=True, slots=True)
class Chart:
    """A panel with a chart. `label` says it in a sentence; `call` is what makes its data appear."""

    key: str
    title: str
    about: str
    label: str
    call: str
    missing: str
    spec: dict[str, Any]
    legend: list[Line]
    columns: list[str]
    rows: list[list[str]]
    span: Span
    lines: list[Line]  # all of it, for whoever takes the figures along

    @property
    def script_id(self) -> str:
        return f"chart-{self.key}"

    @property
    def is_empty(self) -> bool:
        return not self.rows


def latency(figures: Figures, events: Sequence[Event]) -> Chart:
    p50, p95, p99 = ([None if v is None else v * 1000 for v in figures.latency[q]] for q in (0.5, 0.95, 0.99))
    lines = [
        Line("p50", p50, " ms", "c-low", {"width": 1.5}),
        Line("p95", p95, " ms", "c-main", {"width": 2.25, "fill": "tonexty", "alpha": 0.13}),
        Line("p99", p99, " ms", "c-high", {"width": 1.5, "dash": "2px,2px"}, "dot"),
    ]
    label = f"Context latency: {listed(lines)} now."
    texts = ("Context latency", "before each LLM call", label, "POST /api/v1/context", "No context call")
    return chart("latency", texts, figures.span, lines, spec={"unit": " ms", "events": drawn(events, named=True)})


def traffic(figures: Figures, events: Sequence[Event]) -> Chart:
    requests: Measured = [*figures.rate(REQUESTS)]
    failing = shares(figures.counts[ERRORS], figures.counts[REQUESTS])
    if not any(requests):
        requests = [None] * len(requests)
    errors = [None if share is None else share * 100 for share in failing]
    lines = [
        Line("requests", requests, "/s", "c-main", {"fill": "tozeroy", "alpha": 0.1}, is_plain=True),
        Line("errors", errors, " %", "crit", {"fill": "tozeroy", "alpha": 0.22, "width": 1.5, "axis": "y2"}),
    ]
    most = max((share for share in errors if share is not None), default=0)
    ticks = next((ticks for ticks in ERROR_TICKS if ticks[-1] >= most * 1.3), ERROR_TICKS[-1])
    spec = {"unit": "/s", "y2": {"unit": " %", "ticks": ticks, "tone": "crit"}}
    label = f"Throughput {lines[0].now}; {lines[1].now} of requests fail, {written(most, ' %')} at most."
    texts = ("Throughput and errors", "", label, "POST /api/v1/conversations", "No request")
    return chart("traffic", texts, figures.span, lines, spec=spec | {"events": drawn(events)})


def hit_rate(figures: Figures, events: Sequence[Event]) -> Chart:
    busiest = sorted(figures.caches, key=figures.lookups, reverse=True)[: len(CACHE_STYLES)]
    lines = [
        Line(cache, percents(figures.hit_rate(cache)), " %", tone, {"dash": dash}, stroke(dash))
        for cache, (tone, dash) in zip(busiest, CACHE_STYLES, strict=False)
    ]
    lowest = min((value for line in lines for value in line.values if value is not None), default=0)
    spec = {"unit": " %", "range": [50 if lowest >= 50 else 0, 101], "events": drawn(events)}
    label = f"Cache hit rate: {listed(lines)} now."
    texts = ("Cache hit rate", "", label, "POST /api/v1/context", "No cache lookup")
    return chart("cache", texts, figures.span, lines, spec=spec)


def queues(figures: Figures, events: Sequence[Event]) -> Chart:
    return depth(figures.span, figures.gauges, events)


def depth(span: Span, gauges: Mapping[str, Measured], events: Sequence[Event]) -> Chart:
    """Open jobs by priority, stacked; `gauges` has a series `queue.NAME` for each priority."""
    lines = [
        Line(name, gauges[f"queue.{name}"], "", tone, {"alpha": alpha, "width": 1}, "fill")
        for name, (tone, alpha) in ((priority, QUEUE_STYLES[priority]) for priority in PRIORITIES)
    ]
    known = [value for line in lines if (value := latest(line.values)) is not None]
    label = f"Queue depth {written(sum(known) if known else None, '')}: {listed(lines)}."
    texts = ("Queue depth", "", label, "POST /api/v1/conversations/ID/messages", "No queue measured")
    return chart("queues", texts, span, lines, spec={"stack": True, "least": 10, "events": drawn(events)})


def written(value: float | None, unit: str) -> str:
    """A value of a chart with its unit, in the digits that matter there."""
    if value is None:
        return "none"
    places = 0 if unit == "" or (unit == " ms" and value >= 10) else 2 if unit == "/s" and value < 10 else 1
    return f"{formats.number(round(value, places))}{unit}"


def chart(key: str, texts: Texts, span: Span, lines: list[Line], *, spec: dict[str, Any]) -> Chart:
    """A chart of series that have a value for each step of `span`; `spec` is what charts.js draws beside them."""
    title, about, label, call, missing = texts
    has_data = any(value is not None for line in lines for value in line.values)
    whole = _time(span) | {"label": label} | spec
    return Chart(
        key=key,
        title=title,
        about=about,
        label=label if has_data else f"{missing} in this range.",
        call=call,
        missing=missing,
        spec=whole | {"series": [line.spec() for line in lines]},
        legend=[] if not has_data else lines[::-1] if spec.get("stack") else lines,
        columns=columns(lines),
        rows=_rows(span, lines) if has_data else [],
        span=span,
        lines=lines,
    )


def heat(
    key: str,
    texts: Texts,
    span: Span,
    bounds: Sequence[float],
    counts: Sequence[Sequence[float]],
    *,
    events: Sequence[Event] = (),
) -> Chart:
    """A distribution over time: how often which latency came.

    `bounds` are the buckets' upper bounds in ms, ascending; `counts` has a row for each bound, with a count for each
    step. Raises ValueError where they don't fit together.
    """
    if len(counts) != len(bounds) or any(len(row) != span.points for row in counts):
        raise ValueError(f"a heatmap of {len(bounds)} bounds and {span.points} steps needs as many rows and columns")
    title, about, label, call, missing = texts
    lines = [
        Line(f"to {formats.duration(bound / 1000)}", list(row), "", "c-main")
        for bound, row in zip(bounds, counts, strict=True)
    ]
    has_data = any(any(row) for row in counts)
    # what is zero is not drawn, and is most of it
    cells = {"bounds": [float(f"{bound:.4g}") for bound in bounds], "z": [[n or None for n in row] for row in counts]}
    wide = _merged(lines, HEAT_COLUMNS)
    return Chart(
        key=key,
        title=title,
        about=about,
        label=label if has_data else f"{missing} in this range.",
        call=call,
        missing=missing,
        spec=_time(span) | {"label": label, "unit": " ms", "heat": cells, "events": drawn(events)},
        legend=[],
        columns=columns(wide),
        rows=_rows(span, wide) if has_data else [],
        span=span,
        lines=lines,
    )


def columns(lines: Iterable[Line]) -> list[str]:
    """The heads of a table of a chart's figures."""
    return [f"Time {formats.zone()}", *(f"{line.name}{line.unit.replace(' ', ', ')}" for line in lines)]


def _merged(lines: list[Line], most: int) -> list[Line]:
    """Neighbouring buckets as one, until so few are left that a table of them can be read."""
    used = [line for line in lines if any(line.values)]
    size = -(-len(used) // most) or 1
    runs = (used[i : i + size] for i in range(0, len(used), size))
    return [
        Line(
            run[-1].name,
            [sum(n or 0 for n in column) for column in zip(*(line.values for line in run), strict=True)],
            "",
            "",
        )
        for run in runs
    ]


def _time(span: Span) -> dict[str, Any]:
    """When the points are: in UTC, with the shifts of the zone that is chosen, since Plotly knows no zones."""
    time: dict[str, Any] = {"t0": f"{span.start:{UTC_FORM}}", "step": span.step_s}
    if formats.zone() == "UTC":
        return time
    shifts: list[tuple[str, float]] = []
    for step in range(span.points):
        moment = span.moment(step)
        shift = (timezone.localtime(moment).utcoffset() or timedelta()).total_seconds()
        if not shifts or shifts[-1][1] != shift:
            shifts.append((f"{moment:{UTC_FORM}}", shift))
    return time | {"zone": {"name": formats.zone(), "shifts": shifts}}


def _rows(span: Span, lines: Iterable[Line]) -> list[list[str]]:
    """Every tenth point or so, the latest first."""
    every = max(1, span.points // TABLE_ROWS)
    moments = range(span.points - 1, -1, -every)
    step = timedelta(seconds=span.step_s)
    form = "%H:%M" if span.end - span.start <= timedelta(days=1) else "%d %b %H:%M"
    return [[formats.at(span.start + i * step, form), *(line.cell(i) for line in lines)] for i in moments]


def drawn(events: Sequence[Event], *, named: bool = False) -> list[dict[str, str]]:
    """Events as charts.js draws them, oldest first. Information is a quiet line; only a tone of its own is coloured."""
    lines = []
    for letter, event in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", sorted(events, key=lambda event: event.at), strict=False):
        tone = "line-3" if event.tone == Event.Tone.INFO else event.tone
        is_named = named and len(events) <= NAMED_EVENTS
        text = {"key": letter, "text": event.text, "href": address(event)} if is_named else {}
        lines.append({"t": f"{event.at:{UTC_FORM}}", "tone": tone, "kind": event.kind, **text})
    return lines


def address(event: Event) -> str:
    """The page of events, half an hour around this one."""
    start, end = event.at - AROUND, min(event.at + AROUND, timezone.now())
    around = ranges.named(start, max(end, event.at + timedelta(seconds=1)))
    return f"{reverse('events')}?{urlencode({'range': around})}#e-{event.pk}"


def percents(series: Measured) -> Measured:
    """Shares of 1 as percent."""
    return [None if share is None else share * 100 for share in series]


def stroke(dash: str) -> str:
    """The class of a legend's key that repeats the dash."""
    return {"solid": "", "2px,2px": "dot"}.get(dash, "dash")


def listed(lines: Sequence[Line]) -> str:
    """The latest values in words, for a chart's label."""
    return ", ".join(f"{line.name} {line.now}" for line in lines)
