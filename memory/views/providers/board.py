"""What the Providers page shows: a verdict, seven figures, a line for each provider, and three charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from memory.providers import configured
from memory.providers.usage import Usage, usage
from memory.views.providers import charts
from monitoring import breakers, events
from monitoring.breakers import State, View
from monitoring.console.charts import Chart
from monitoring.console.strip import NONE, Delta, Kpi, Verdict
from monitoring.formats import apart, duration, number, percent, period, size
from monitoring.metrics import read, snapshot

EVENT_LIMIT: Final = 12
SUCCESS_LIMIT: Final = 0.99
WORDS: Final = {
    State.CLOSED: "Answering",
    State.METRICS_ONLY: "Answering",
    State.DISABLED: "Answering",
    State.HALF_OPEN: "Half-open",
    State.OPEN: "Open",
    State.FORCED_OPEN: "Forced open",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One provider in the table. `what` is its profile and model; empty for one that is no longer configured."""

    usage: Usage
    what: str
    word: str
    breaker: str  # its breaker's name, empty where it has made no call yet

    @property
    def cost(self) -> str:
        return dollars(self.usage.cost_dollars)


@dataclass(frozen=True, slots=True)
class Board:
    range: str
    period: str
    age_s: float | None
    verdict: Verdict
    kpis: list[Kpi]
    lines: list[Line]
    charts: dict[str, Chart]
    about: str


def board(range_name: str, *, now: datetime) -> Board:
    """The providers of this installation over a range."""
    span = read.span(range_name, now=now)
    names = configured.names()
    used = usage(span, names=list(names))
    views = {view.name: view for view in breakers.overview(now)}
    lines = [line(figures, names.get(figures.name, ""), views.get(f"provider.{figures.name}")) for figures in used]
    happened = events.between(span.start, now, EVENT_LIMIT)
    latest = snapshot.latest()
    drawn = (charts.latency, charts.calls, charts.tokens)
    return Board(
        range=range_name,
        period=period(range_name),
        age_s=latest.age_s(now.timestamp()) if latest else None,
        verdict=verdict(lines),
        kpis=kpis(used, period=period(range_name)),
        lines=lines,
        charts={chart.key: chart for chart in (draw([f.name for f in used], span, happened) for draw in drawn)},
        about=about(lines),
    )


def line(figures: Usage, what: str, view: View | None) -> Line:
    if view is None:
        return Line(figures, what, "Waiting for data" if what else "Disabled", "")
    return Line(figures, what, WORDS[view.state], view.name)


def verdict(lines: Sequence[Line]) -> Verdict:
    """Whether those outside answer; what serves where they don't."""
    asked = [line for line in lines if line.what]
    if not asked:
        return Verdict(
            "Local", "No outside provider is configured: embedding, extraction and summaries run in the worker."
        )
    shut = [line for line in asked if line.word in {"Open", "Half-open", "Forced open"}]
    if shut:
        names = " and ".join(line.usage.name for line in shut)
        does = "is" if len(shut) == 1 else "are"
        return Verdict("Degraded", f"{names} {does} cut off: local ones serve, and what they did is done again later.")
    failing = [line for line in asked if (line.usage.success_rate or 1) < SUCCESS_LIMIT]
    if failing:
        worst = min(failing, key=lambda line: line.usage.success_rate or 1)
        return Verdict("Degraded", f"{percent(worst.usage.failure_rate or 0)} of {worst.usage.name} calls fail.")
    return Verdict("Healthy", "Every provider answers.")


def kpis(used: Sequence[Usage], *, period: str) -> list[Kpi]:
    """Of all providers together."""
    requests, ok = sum(f.requests for f in used), sum(f.ok for f in used)
    retried, tokens = sum(f.retried for f in used), sum(f.tokens_in + f.tokens_out for f in used)
    raw, sent = sum(f.bytes_raw for f in used), sum(f.bytes_sent for f in used)
    cost, slowest = sum(f.cost_dollars for f in used), max((f.p95_s for f in used if f.p95_s), default=None)
    success = ok / requests if requests else None
    is_bad = success is not None and success < SUCCESS_LIMIT
    share, unit = apart(percent(success)) if success is not None else (NONE, "")
    p95, p95_unit = apart(duration(slowest)) if slowest else (NONE, "")
    saved, saved_unit = apart(size(raw - sent))
    return [
        Kpi("requests", "Requests", number(requests), Delta(f"in this {period}"), "lines"),
        Kpi("success", "Answered", share, Delta(f"{number(requests - ok)} failed", "", "warn" if is_bad else ""),
            "lines", unit),
        Kpi("retried", "Retried", number(retried), Delta("further attempts"), "lines"),
        Kpi("p95", "Slowest p95", p95, Delta("with retries"), "latency", p95_unit),
        Kpi("tokens", "Tokens", number(tokens), Delta(f"{number(sum(f.items for f in used))} items"), "tokens"),
        Kpi("cost", "Estimated cost", dollars(cost), Delta("by the price table"), "lines"),
        Kpi("saved", "Saved by gzip", saved, Delta(f"of {size(raw)}" if raw else "nothing sent"), "lines", saved_unit),
    ]  # fmt: skip


def about(lines: Sequence[Line]) -> str:
    asked = [line for line in lines if line.what]
    if not asked:
        return "none outside"
    shut = sum(line.word not in {"Answering", "Waiting for data"} for line in asked)
    return f"{len(asked)} configured, {shut} cut off" if shut else f"{len(asked)} configured"


def dollars(amount: float) -> str:
    """Money as $ 1.25, with as many places as a small amount needs."""
    if amount and amount < 0.01:
        return f"$ {amount:.6f}".rstrip("0")
    return f"$ {amount:,.2f}"
