"""Exposed beside control: p95 of what the flag's cohorts are compared by, and the share of it that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from flags import catalog
from flags.views.opened import bands
from flags.views.opened.bands import Band
from monitoring.console import charts
from monitoring.console.charts import Chart, Line, drawn
from monitoring.formats import period
from monitoring.metrics import read
from monitoring.metrics.read import Span
from monitoring.models import Event

ARMS: Final = ("control", "exposed")  # control is drawn first, beneath
STYLES: Final[dict[str, tuple[str, dict[str, Any], str]]] = {
    "exposed": ("c-main", {"width": 2.25}, ""),
    "control": ("c-control", {"width": 1.75, "dash": "5px,3px"}, "dash"),
}
ALPHA: Final = {"exposed": 0.24, "control": 0.22}
P95: Final = 0.95
TOGETHER: Final = 3
NAMES: Final = {"chat.response": "Chat response", "operation.assemble_context": "Context"}
CALL: Final = "POST /api/v1/context"


@dataclass(frozen=True, slots=True)
class Arms:
    """The cohorts of one flag in a span: a band for each step of p95 in seconds, and of the share that failed."""

    span: Span
    latency: dict[str, Band]
    errors: dict[str, Band]
    requests: dict[str, float]

    @property
    def is_empty(self) -> bool:
        return not any(self.requests.values())


def coarser(span: Span) -> Span:
    """The same time in steps of three: bands of a few requests are wider than what they are of."""
    points = span.points // TOGETHER
    if not points:
        return span
    step_s = span.step_s * TOGETHER
    return Span(span.end - timedelta(seconds=points * step_s), span.end, step_s)


def gather(name: str, span: Span) -> Arms:
    """Reads both arms at once. What nobody recorded yet is empty, not absent."""
    span = coarser(span)
    series = {arm: f"cohort.{name}.{arm}" for arm in ARMS}
    known = read.known()
    found = read.table(list(series.values()), span, step_s=span.step_s, reach=known.reach, slots=known.slots)
    failed = read.figures([f"{each}.errors" for each in series.values()], span, known=known)
    latency, errors, requests = {}, {}, {}
    for arm, each in series.items():
        counts = found.counts[found.places[each]][found.steps]
        latency[arm] = bands.quantile(counts, found.lowest, P95)
        errors[arm] = bands.share(failed.counts(f"{each}.errors"), found.per_step(each))
        requests[arm] = found.total(each)
    return Arms(span, latency, errors, requests)


def latency(name: str, arms: Arms, *, range_name: str, events: Sequence[Event], spans: list[dict[str, str]]) -> Chart:
    lines = [line for arm in ARMS for line in banded(arm, arms.latency[arm], 1000, " ms")]
    exposed, control = (lines[5], lines[2])
    title = f"{watched(name)} p95, ms"
    label = (
        f"{title[:-4]} in the last {period(range_name)}: exposed {exposed.now}, control {control.now}, 95 % intervals."
    )
    spec = {"unit": "", "events": drawn(events), "spans": spans, "range": scale(lines)}
    return _chart("arm-latency", (title, "", label, CALL, "No request of either cohort"), arms.span, lines, spec)


def errors(name: str, arms: Arms, *, range_name: str, events: Sequence[Event], spans: list[dict[str, str]]) -> Chart:
    lines = [line for arm in ARMS for line in banded(arm, arms.errors[arm], 100, " %")]
    exposed, control = (lines[5], lines[2])
    label = (
        f"Error rate in the last {period(range_name)}: exposed {exposed.now}, control {control.now}, 95 % intervals."
    )
    spec = {"unit": "", "least": 1, "events": drawn(events), "spans": spans}
    texts = ("Error rate, %", "", label, CALL, "No request of either cohort")
    return _chart("arm-errors", texts, arms.span, lines, spec)


def scale(lines: Sequence[Line]) -> list[float] | None:
    """From a little under the lowest to a little over the highest: what matters is the distance between the arms."""
    known = [value for line in lines for value in line.values if value is not None]
    if not known:
        return None
    low, high = min(known), max(known)
    room = (high - low) * 0.12 or high * 0.2
    return [max(0.0, round(low - room, 3)), round(high + room, 3)]


def watched(name: str) -> str:
    """What the flag's cohorts are compared by, as a title begins."""
    entry = catalog.find(name)
    of = entry.watches if entry else ""
    return NAMES.get(of, of.rpartition(".")[2].replace("_", " ").capitalize() if of else "Request")


def banded(arm: str, band: Band, times: float, unit: str) -> list[Line]:
    """The band's lower edge, its upper one with what lies between, and the line on it."""
    tone, style, stroke = STYLES[arm]
    low, middle, high = ([None if value is None else value * times for value in each] for each in band)
    edge = {"width": 0, "hide": True}
    return [
        Line(f"{arm} from", low, unit, tone, edge),
        Line(f"{arm} to", high, unit, tone, edge | {"fill": "tonexty", "alpha": ALPHA[arm]}),
        Line(arm, middle, unit, tone, style, stroke),
    ]


def _chart(key: str, texts: charts.Texts, span: Span, lines: list[Line], spec: dict[str, Any]) -> Chart:
    """The edges of the bands are in the table and in the file, and not in the legend."""
    made = charts.chart(key, texts, span, lines, spec=spec)
    named = [line for line in reversed(made.legend) if not line.style.get("hide")]
    return replace(made, legend=[replace(line, said=line.now.removesuffix(line.unit)) for line in named])
