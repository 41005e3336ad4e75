"""What the Latency page shows of a range: every operation in a line, and the chosen one in detail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache

from monitoring import events
from monitoring.console import freshness
from monitoring.console.charts import Chart
from monitoring.console.freshness import REFRESH_S
from monitoring.console.strip import Delta
from monitoring.formats import duration, number, percent, period
from monitoring.metrics import read, snapshot
from monitoring.metrics.operations import KINDS, Operation, operations
from monitoring.metrics.operations.figures import error_series
from monitoring.metrics.percentiles import sketches
from monitoring.metrics.ranges import Span
from monitoring.models import SlowRequest
from monitoring.tracing import parts
from monitoring.views.latency import charts
from monitoring.views.latency.asked import COMPARED, OFF, SORTS, Asked

EVENT_LIMIT = 12
SLOW_LIMIT = 20
SLOWER_LIMIT = 0.1  # a p95 that rose by less than a tenth is noise,
FEWEST = 20  # and so is that of few calls
COLUMNS = {"name": "Operation", "rate": "Calls", "errors": "Failed", "p50": "p50", "p95": "p95", "p99": "p99"}


@dataclass(frozen=True, slots=True)
class Line:
    """An operation in the table."""

    of: Operation
    delta: Delta
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column: where a click leads, and how the table is sorted by it now."""

    name: str
    title: str
    sort: str
    order: str  # as aria-sort says it; empty where it is not sorted by


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a slow request; `share` is of its duration, in percent."""

    name: str
    seconds: float
    times: int
    share: float


@dataclass(frozen=True, slots=True)
class Detail:
    """The chosen operation."""

    of: Operation
    charts: dict[str, Chart]
    slow: list[tuple[SlowRequest, list[Part]]]


@dataclass(frozen=True, slots=True)
class Board:
    range: str
    period: str
    asked: Asked
    age_s: float | None
    about: str
    columns: list[Column]
    kinds: list[tuple[str, str, int]]  # what is asked for, its word, how many
    lines: list[Line]
    detail: Detail | None

    @property
    def compared(self) -> str:
        return COMPARED[self.asked.compare]


def board(range_name: str, asked: Asked, *, now: datetime) -> Board:
    """The board of a range. The figures of all operations are worked out once for all who look."""
    span = read.span(range_name, now=now)
    lasted_s = (min(span.end, now) - span.start).total_seconds()
    known = read.known()
    found = _operations(range_name, span, asked, now=now, lasted_s=lasted_s, known=known)
    shown = asked.sorted(one for one in found if asked.kind in {"", one.kind})
    chosen = next((one for one in found if one.name == asked.operation), shown[0] if shown else None)
    latest = snapshot.latest()
    return Board(
        range=range_name,
        period=period(range_name),
        asked=asked,
        age_s=latest.age_s(now.timestamp()) if latest else None,
        about=_about(shown),
        columns=_columns(asked),
        kinds=_kinds(found),
        lines=[Line(one, slower(one), one is chosen) for one in shown],
        detail=None if chosen is None else detail(chosen, span, asked, now=now, known=known),
    )


def _operations(
    range_name: str, span: Span, asked: Asked, *, now: datetime, lasted_s: float, known: read.Known
) -> list[Operation]:
    # longer steps change less often than pages ask
    kept_s = max(2 * REFRESH_S, min(60, span.step_s // 60))
    stamp = freshness.stamp(range_name, now=now) if kept_s <= 2 * REFRESH_S else f"{range_name}-{span.end:%d%H%M}"
    key = f"latency:{asked.compare}:{stamp}"
    found: list[Operation] | None = cache.get(key)
    if found is None:
        found = operations(span, against=asked.against(span), lasted_s=lasted_s, reach=known.reach)
        cache.set(key, found, timeout=kept_s)
    return found


def detail(chosen: Operation, span: Span, asked: Asked, *, now: datetime, known: read.Known) -> Detail:
    """The charts of an operation, and the slowest of its calls."""
    name, title = chosen.name, chosen.title
    against = asked.against(span)
    figures = sketches([name], span, known=known)
    before = None if against is None else sketches([name], against, known=known)
    failed = error_series(name)
    counts = read.figures(failed, span, known=known)
    errors = [sum(values) for values in zip(*map(counts.counts, failed), strict=True)]
    last_s = max(1.0, span.step_s - max(0.0, (span.end - now).total_seconds()))
    happened = events.between(span.start, now, EVENT_LIMIT)
    then = "" if asked.compare == OFF else COMPARED[asked.compare].removeprefix("the ").replace("period ", "")
    drawn = (
        charts.percentiles(name, title, span, figures, before, then, happened),
        charts.traffic(title, span, figures.per_step(name), errors, last_s, happened),
        charts.spread(name, title, span, figures, happened),
    )
    met = SlowRequest.objects.filter(operation=name, at__gte=span.start, at__lt=span.end)
    slow = [(one, split(one)) for one in met.order_by("-seconds")[:SLOW_LIMIT]]
    return Detail(chosen, {chart.key: chart for chart in drawn}, slow)


def split(slow: SlowRequest) -> list[Part]:
    """Where its time went; parts that ran side by side share the bar."""
    whole = max(slow.seconds, sum(seconds for seconds, _ in slow.parts.values())) or 1.0
    spent = ((name, *slow.parts[name]) for name in parts.ordered(slow.parts))
    return [Part(name, seconds, times, 100 * seconds / whole) for name, seconds, times in spent]


def slower(one: Operation) -> Delta:
    """How its p95 differs from what it is compared with, in words."""
    change = one.change
    if change is None:
        return Delta("")
    if abs(change) < 0.01:
        return Delta("as before")
    tone = "warn" if change > SLOWER_LIMIT and one.count >= FEWEST else ""
    icon = "up-arrow" if change > 0 else "down-arrow"
    return Delta(f"{percent(round(abs(change), 2))} {'slower' if change > 0 else 'faster'}", icon, tone)


def _about(shown: Sequence[Operation]) -> str:
    if not shown:
        return "No call in this range"
    slowest = max(shown, key=lambda one: one.p95_s)
    worse = sum(slower(one).tone != "" for one in shown)
    said = f"{number(len(shown))} {'operation' if len(shown) == 1 else 'operations'}"
    rest = f"{number(worse)} slower than before" if worse else "none slower than before"
    return f"{said}, {rest}; slowest p95 is {slowest.title} with {duration(slowest.p95_s)}"


def _columns(asked: Asked) -> list[Column]:
    titles = COLUMNS | ({} if asked.compare == OFF else {"change": "p95 change"})
    order = "descending" if asked.is_descending else "ascending"
    return [
        Column(name, titles[name], asked.next_sort(name), order if name == asked.column else "")
        for name in SORTS
        if name in titles
    ]


def _kinds(found: Sequence[Operation]) -> list[tuple[str, str, int]]:
    counts = Counter(one.kind for one in found)
    return [("", "All", len(found)), *((kind, kind.capitalize(), counts[kind]) for kind in KINDS)]
