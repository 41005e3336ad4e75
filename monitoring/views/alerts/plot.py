"""A rule's chart: its value over time, the limits that it is held against, and the time that it fired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitoring import alerts
from monitoring.console import charts
from monitoring.console.charts import Chart, Line, drawn
from monitoring.console.figures import Measured
from monitoring.metrics.read import Span
from monitoring.models import AlertRule, Event, Severity
from monitoring.views.alerts.words import TONES, compact

SPAN_MOST = 60  # tinted spans of one chart
FORM = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Tint:
    """Time that is marked."""

    start: datetime
    end: datetime
    tone: str
    text: str


def draw(
    key: str,
    rule: AlertRule,
    span: Span,
    *,
    tints: Sequence[Tint],
    severity: Severity | None = None,
    happened: Sequence[Event] = (),
    values: Measured | None = None,
) -> Chart:
    """`severity` is whose limits are drawn, all of them without."""
    known = alerts.series(rule, span) if values is None else values
    unit = suffix(alerts.unit(rule))
    line = Line(rule.metric, known, unit, "c-main", {"width": 2, "fill": "tozeroy", "alpha": 0.1})
    spec: dict[str, Any] = {
        "unit": unit,
        "least": max((float(each["fire"]) for each in rule.thresholds), default=0) * 1.15,
        "limits": limits(rule, severity),
        "spans": spans(tints, span),
        "events": drawn(happened),
    }
    times = len([tint for tint in tints if tint.text])
    label = f"{rule.title}: {line.now} now; {alerts.condition(rule)}{f'; tinted {times} times' if times > 1 else ''}."
    missing = f"No figure of {rule.metric}"
    texts = (rule.title, "", label, rule.metric, missing)
    return charts.chart(key, texts, span, [line], spec=spec)


def limits(rule: AlertRule, severity: Severity | None) -> list[dict[str, Any]]:
    """Where it fires, and of one severity also where it clears."""
    found = []
    held = f" for {compact(rule.for_s)}" if rule.for_s else ""
    for each in rule.thresholds:
        level = Severity(each["severity"])
        if severity not in {None, level}:
            continue
        word = "fires" if severity else level.value
        fire, clear = (alerts.written(rule, each[name]) for name in ("fire", "clear"))
        found.append({"y": each["fire"], "text": f"{word} {rule.comparison} {fire}{held}", "tone": TONES[level]})
        if severity and each["clear"] != each["fire"]:
            found.append({"y": each["clear"], "text": f"clears at {clear}", "tone": "t3"})
    return found


def spans(tints: Sequence[Tint], span: Span) -> list[dict[str, str]]:
    """The tints that lie in the span, cut to it."""
    seen = [(max(tint.start, span.start), min(tint.end, span.end), tint) for tint in tints]
    return [
        {"from": f"{start:{FORM}}", "to": f"{end:{FORM}}", "tone": tint.tone, "text": tint.text}
        for start, end, tint in seen[-SPAN_MOST:]
        if end > start
    ]


def suffix(unit: str) -> str:
    """A rule's unit as charts write it behind a number."""
    return unit if not unit or unit.startswith("/") else f" {unit}"
