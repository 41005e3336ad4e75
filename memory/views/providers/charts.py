"""The charts of the Providers page: how long calls take, how many fail, how many tokens go through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from memory.providers.guard.measure import PREFIX
from monitoring.console import charts
from monitoring.console.charts import Chart, Line, drawn, listed
from monitoring.console.figures import Measured
from monitoring.metrics import read
from monitoring.metrics.read import Span
from monitoring.models import Event

STYLES: Final = (("c-1", "solid", ""), ("c-3", "7px,2px", "dash"), ("c-2", "2px,2px", "dot"))
LONG_S: Final = 2.0
CALL: Final = "POST /api/v1/context"


def latency(names: Sequence[str], span: Span, events: Sequence[Event]) -> Chart:
    """p95 of whole calls, with their retries; in seconds where one takes that long."""
    found = {name: read.quantiles(f"{PREFIX}{name}", span, (0.95,))[0.95] for name in names}
    longest_s = max((value for series in found.values() for value in series if value is not None), default=0.0)
    unit, times = (" s", 1) if longest_s > LONG_S else (" ms", 1000)
    lines = [
        Line(name, _scaled(found[name], times), unit, tone, {"dash": dash}, key)
        for name, (tone, dash, key) in zip(names, STYLES, strict=False)
    ]
    texts = ("Latency", "p95 with retries", f"Provider latency, p95: {listed(lines)}.", CALL, "No call")
    return charts.chart("latency", texts, span, lines, spec={"unit": unit, "events": drawn(events)})


def calls(names: Sequence[str], span: Span, events: Sequence[Event]) -> Chart:
    """Calls a second of all providers, and those that failed or were refused by a breaker."""
    asked, failed, refused = (_rate(names, what, span) for what in ("requests", "failed", "rejected"))
    lines = [
        Line("calls", asked, "/s", "c-main", {"fill": "tozeroy", "alpha": 0.1}),
        Line("refused", refused, "/s", "c-2", {"dash": "2px,2px"}, "dot"),
        Line("failed", failed, "/s", "crit", {"fill": "tozeroy", "alpha": 0.22, "width": 1.5}),
    ]
    texts = ("Calls", "", f"Provider calls: {listed(lines)}.", CALL, "No call")
    return charts.chart("calls", texts, span, lines, spec={"unit": "/s", "events": drawn(events)})


def tokens(names: Sequence[str], span: Span, events: Sequence[Event]) -> Chart:
    """Tokens a second, sent and received."""
    lines = [
        Line("sent", _rate(names, "tokens_in", span), "/s", "c-main", {"fill": "tozeroy", "alpha": 0.1}),
        Line("received", _rate(names, "tokens_out", span), "/s", "c-3", {"dash": "7px,2px"}, "dash"),
    ]
    texts = ("Tokens", "", f"Tokens: {listed(lines)}.", CALL, "No token")
    return charts.chart("tokens", texts, span, lines, spec={"unit": "/s", "events": drawn(events)})


def _rate(names: Sequence[str], what: str, span: Span) -> Measured:
    """Per second over all providers; None throughout where nothing was counted by any."""
    columns = read.counts([f"{PREFIX}{name}.{what}" for name in names], span).values()
    if not any(any(column) for column in read.counts([f"{PREFIX}{name}.requests" for name in names], span).values()):
        return [None] * span.points
    return [sum(values) / span.step_s for values in zip(*columns, strict=True)]


def _scaled(seconds: Measured, times: float) -> Measured:
    return [None if value is None else value * times for value in seconds]
