"""What a rule's figures amount to: its value in its unit, and which of its thresholds that crosses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from monitoring.alerts.judge.machine import NoData, Timing, Verdict
from monitoring.alerts.rules.patterns import filled, summands
from monitoring.metrics.sketch import Counts, table_quantiles
from monitoring.models import AlertRule, Severity

Kind = AlertRule.Kind
Measure = AlertRule.Measure
Baseline = AlertRule.Baseline

QUANTILES: Final = {Measure.P50: 0.5, Measure.P95: 0.95, Measure.P99: 0.99}
OF_SKETCHES: Final = {*QUANTILES, Measure.MEAN}
EXPOSED: Final = ".exposed"
CONTROL: Final = ".control"


@dataclass(frozen=True, slots=True)
class Need:
    """A series in a window that ends `ago_s` before now; `is_sketch` where its durations are needed."""

    name: str
    window_s: int
    ago_s: int = 0
    is_sketch: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """One need met. `buckets` is a row of dense counts, of a latency whose durations were needed."""

    total: float = 0.0
    points: float = 0.0  # seconds that have one
    minimum: float | None = None
    maximum: float | None = None
    last: float | None = None
    seconds: float = 0.0  # sum of the durations
    buckets: Counts | None = None


class Look(Protocol):
    def __call__(self, need: Need) -> Figures | None:
        """None where the series does not exist, or nobody reported in the window."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A rule's value of one instance; where it is None, `why` tells the reason in words."""

    value: float | None
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Amount:
    value: float | None
    why: str = ""


def timing(rule: AlertRule) -> Timing:
    mildest = min((Severity(each["severity"]) for each in rule.thresholds), key=lambda each: each.rank)
    return Timing(rule.for_s, rule.keep_firing_s, NoData(rule.no_data), mildest)


def needs(rule: AlertRule, instance: str) -> Iterator[Need]:
    """All that `sample` will look at."""
    is_sketch = rule.measure in OF_SKETCHES
    for metric, denominator, window_s, ago_s in views(rule, instance):
        for name in metric:
            yield Need(name, window_s, ago_s, is_sketch)
        for name in denominator:
            yield Need(name, window_s, ago_s)


def sample(rule: AlertRule, instance: str, look: Look) -> Sample:
    """The rule's value of an instance, judged. Raises KeyError, TypeError or ValueError for a rule that is damaged."""
    amounts = [_amount(rule, *view, look) for view in views(rule, instance)]
    if rule.kind == Kind.BURN:
        return _burn(rule, amounts)
    amount = amounts[0]
    if rule.kind == Kind.RATIO:
        amount = _against(amounts[0], amounts[1])
    if amount.value is None:
        return Sample(None, Verdict(is_known=False), amount.why)
    return Sample(amount.value, judged(rule, amount.value))


def judged(rule: AlertRule, value: float) -> Verdict:
    """The worst threshold that a value crosses, and the worst that it has not cleared."""
    sign = 1 if rule.comparison == AlertRule.Comparison.ABOVE else -1
    fires = [each for each in rule.thresholds if sign * value > sign * float(each["fire"])]
    holds = [each for each in rule.thresholds if sign * value > sign * float(each["clear"])]
    return Verdict(_worst(fires), _worst(holds))


def _worst(thresholds: Sequence[dict[str, Any]]) -> Severity | None:
    return max((Severity(each["severity"]) for each in thresholds), key=lambda each: each.rank, default=None)


def views(rule: AlertRule, instance: str) -> Iterator[tuple[list[str], list[str], int, int]]:
    """The figures that a value is made of: series, those of the denominator, window, and how long ago it ended."""
    metric, denominator = (
        [filled(name, instance) for name in summands(text)] for text in (rule.metric, rule.denominator)
    )
    window = rule.window_s
    if rule.kind == Kind.BURN:
        for each in rule.thresholds:
            yield metric, denominator, int(each["long_s"]), 0
            yield metric, denominator, int(each["short_s"]), 0
    elif rule.kind == Kind.RATIO and rule.baseline == Baseline.CONTROL:
        for suffix in (EXPOSED, CONTROL):
            yield [name + suffix for name in metric], [name + suffix for name in denominator], window, 0
    else:
        yield metric, denominator, window, 0
        if rule.kind == Kind.RATIO:
            yield metric, denominator, window, window


def _amount(
    rule: AlertRule, metric: list[str], denominator: list[str], window_s: int, ago_s: int, look: Look
) -> _Amount:
    measure = Measure(rule.measure)
    is_sketch = measure in OF_SKETCHES
    found = [look(Need(name, window_s, ago_s, is_sketch)) for name in metric]
    known = [figures for figures in found if figures is not None]
    if measure is Measure.SHARE:
        whole = [figures for name in denominator if (figures := look(Need(name, window_s, ago_s))) is not None]
        return _share(sum(figures.total for figures in known), sum(figures.total for figures in whole), rule.min_events)
    if not known:
        return _Amount(None, f"{' + '.join(metric)} has no figures in the window"[:200])
    if is_sketch:
        return _durations(measure, known, rule.min_events)
    if measure in {Measure.COUNT, Measure.RATE}:
        total = sum(figures.total for figures in known)
        return _Amount(total / window_s if measure is Measure.RATE else total)
    return _gauge(measure, known)


def _share(part: float, whole: float, least: int) -> _Amount:
    if whole < max(1, least):
        return _Amount(None, f"{whole:.0f} of at least {max(1, least)} events in the window")
    return _Amount(100 * part / whole)


def _durations(measure: Measure, known: list[Figures], least: int) -> _Amount:
    counts = sum((figures.buckets for figures in known if figures.buckets is not None), start=0.0)
    events = 0.0 if isinstance(counts, float) else float(counts.sum())
    if isinstance(counts, float) or events < max(1, least):
        return _Amount(None, f"{events:.0f} of at least {max(1, least)} events in the window")
    if measure is Measure.MEAN:
        return _Amount(1000 * sum(figures.seconds for figures in known) / events)
    quantile = table_quantiles(counts[None, :], QUANTILES[measure])[0]
    return _Amount(None if quantile is None else 1000 * quantile)


def _gauge(measure: Measure, known: list[Figures]) -> _Amount:
    sampled = [figures for figures in known if figures.points]
    if not sampled:
        return _Amount(None, "nobody sampled it in the window")
    if measure is Measure.AVERAGE:
        return _Amount(sum(figures.total / figures.points for figures in sampled))
    field = {Measure.VALUE: "last", Measure.MAX: "maximum", Measure.MIN: "minimum"}[measure]
    return _Amount(sum(getattr(figures, field) for figures in sampled))


def _against(now: _Amount, base: _Amount) -> _Amount:
    """By how many percent the first is more than the second."""
    if now.value is None or base.value is None:
        return _Amount(None, now.why if now.value is None else f"the baseline: {base.why}")
    if base.value <= 0:
        return _Amount(None, "the baseline is zero")
    return _Amount(100 * (now.value / base.value - 1))


def _burn(rule: AlertRule, amounts: list[_Amount]) -> Sample:
    """Both windows of a pair must burn too fast; the value is the fastest burn that both windows show.

    Google, The Site Reliability Workbook, chapter 5: burn rate = share of errors / (1 - objective).
    """
    assert rule.objective is not None
    budget = 100 * (1 - rule.objective)
    burnt: list[tuple[float, dict[str, Any]]] = []
    for threshold, long, short in zip(rule.thresholds, amounts[::2], amounts[1::2], strict=True):
        if long.value is not None and short.value is not None:
            burnt.append((min(long.value, short.value) / budget, threshold))
    if not burnt:
        return Sample(None, Verdict(is_known=False), amounts[0].why or amounts[1].why)
    fires = _worst([threshold for rate, threshold in burnt if rate > float(threshold["fire"])])
    holds = _worst([threshold for rate, threshold in burnt if rate > float(threshold["clear"])])
    return Sample(max(rate for rate, _ in burnt), Verdict(fires, holds))
