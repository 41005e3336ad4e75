"""How rules and their figures are written for people."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from monitoring.formats import age, duration, number
from monitoring.metrics.ranges import named
from monitoring.models import Alert, AlertRule

Kind = AlertRule.Kind
Measure = AlertRule.Measure
UNITS: Final = {
    **dict.fromkeys((Measure.P50, Measure.P95, Measure.P99, Measure.MEAN), "ms"),
    Measure.RATE: "/s",
    Measure.SHARE: "%",
}
AROUND: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(days=7)
NAMES: Final = {
    Measure.COUNT: "number",
    Measure.RATE: "rate",
    Measure.SHARE: "share",
    Measure.VALUE: "latest value",
} | {
    Measure.AVERAGE: "average",
    Measure.MAX: "largest value",
    Measure.MIN: "smallest value",
}


def unit(rule: AlertRule) -> str:
    """What a rule's values and thresholds are counted in: ms, s, %, /s, times or nothing."""
    if rule.kind == Kind.BURN:
        return "times"
    if rule.kind == Kind.RATIO:
        return "%"
    if rule.measure in UNITS:
        return UNITS[Measure(rule.measure)]
    return "s" if rule.metric.endswith("_s") and rule.measure != Measure.COUNT else ""


def written(rule: AlertRule, value: float | None) -> str:
    """A value with its unit."""
    return written_as(value, unit(rule))


def written_as(value: float | None, unit: str) -> str:
    """A value of that unit: 134 ms, 2.4 %, 14 times, 1,240."""
    if value is None:
        return "no data"
    if unit in {"ms", "s"} and value >= 0:
        return duration(value / 1000 if unit == "ms" else value)
    return f"{number(round(value, 2))} {unit}".strip()


def condition(rule: AlertRule) -> str:
    """The rule as a sentence without an end: p95 of job.message over 5m is above 100 ms for 2m."""
    mildest = min(rule.thresholds, key=lambda each: float(each["fire"]) * (1 if rule.comparison == "above" else -1))
    bound = written(rule, float(mildest["fire"]))
    held = f" for {age(rule.for_s)}" if rule.for_s else ""
    if rule.kind == Kind.BURN:
        return f"{rule.metric} of {rule.denominator} burn {bound} or more of the budget of {rule.objective:.3%}{held}"
    return f"{_measured(rule)} over {age(rule.window_s)} is {rule.comparison} {bound}{held}"


def _measured(rule: AlertRule) -> str:
    measure = Measure(rule.measure)
    said = f"{NAMES.get(measure, measure.value)} of {rule.metric}"
    if measure is Measure.SHARE:
        said = f"share of {rule.metric} in {rule.denominator}"
    if rule.kind == Kind.RATIO:
        against = "the control cohort" if rule.baseline == AlertRule.Baseline.CONTROL else "the period before"
        said = f"{said}, against {against},"
    return said


def link(rule: AlertRule, alert: Alert | None = None, base: str = "") -> str:
    """Where the page is that shows why; with an alert, at its time. Empty where there is no such page."""
    name, _, query = rule.link.partition("?")
    try:
        path = reverse(name)
    except NoReverseMatch:
        return ""
    if alert is not None:
        until = min(alert.resolved_at or timezone.now(), alert.firing_since + LONGEST)
        around = named(alert.pending_since - AROUND, until)
        kept = [part for part in query.split("&") if part and not part.startswith("range=")]
        query = "&".join([*kept, f"range={around}"])
    return f"{base}{path}?{query}" if query else f"{base}{path}"
