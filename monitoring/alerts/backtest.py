"""What a rule would have done: its values over stored history, and the spans in which it would have fired."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from monitoring.alerts.judge.history import grain_of, walk
from monitoring.alerts.judge.machine import State, Timing, Word, step
from monitoring.alerts.judge.measure import Sample, timing
from monitoring.alerts.judge.samples import known_series
from monitoring.alerts.rules import known
from monitoring.alerts.rules.patterns import instances, is_pattern
from monitoring.metrics.ranges import Span
from monitoring.metrics.store.rollup import MINUTE_S
from monitoring.models import AlertRule, Severity, Watermark

INSTANCES: Final = 20  # of a pattern, that are looked at
LONGEST_S: Final = 30 * 86_400

Values = list[float | None]


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert that there would have been; `end` is None where it would still fire."""

    start: datetime
    end: datetime | None
    peak: float | None
    severity: Severity
    instance: str = ""


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance: its values at the end of each step of the span, and when it would have fired."""

    name: str
    values: Values
    fired: tuple[Fired, ...]


@dataclass(frozen=True, slots=True)
class Backtest:
    """The rule's past in `span`, judged every `grain_s` seconds, `evaluated` times."""

    span: Span
    grain_s: int
    evaluated: int
    instances: tuple[Instance, ...] = ()

    @property
    def fired(self) -> list[Fired]:
        """All of them, the oldest first."""
        return sorted((each for one in self.instances for each in one.fired), key=lambda each: each.start)

    @property
    def count(self) -> int:
        return sum(len(one.fired) for one in self.instances)

    @property
    def longest_s(self) -> float:
        """How long the longest would have fired."""
        lengths = [((each.end or self.span.end) - each.start).total_seconds() for each in self.fired]
        return max(lengths, default=0.0)


def series(rule: AlertRule, span: Span) -> Values:
    """The rule's value at each step, in its unit; of a pattern the worst instance's. A wide step is one window."""
    slots, kinds = known_series()
    wide = copy.copy(rule)
    wide.window_s = max(rule.window_s, span.step_s)
    start, end = _bounds(span)
    lines = []
    for name in _names(rule, kinds):
        found = walk(wide, name, start, end, step_s=span.step_s, grain=grain_of(wide, span.step_s), slots=slots)
        lines.append([each.value for _, each in found])
    worst = max if rule.comparison == AlertRule.Comparison.ABOVE else min
    merged: Values = []
    for at_step in zip(*lines, strict=True):
        known = [value for value in at_step if value is not None]
        merged.append(worst(known) if known else None)
    return merged or [None] * span.points


def backtest(rule: AlertRule, span: Span) -> Backtest:
    """What the rule would have done in a span of up to 30 days. Raises ValueError for a longer one.

    It is judged every minute by the machine that judges the present, so what lasts seconds is not seen.
    """
    start, end = _bounds(span)
    if end - start > LONGEST_S:
        raise ValueError("a rule is tried on at most 30 days, for which figures by the minute are kept")
    slots, kinds = known_series()
    grain = grain_of(rule)
    start += -start % grain
    mark = Watermark.objects.values_list("sealed_until", flat=True).first() or end
    until = min(end, mark)
    until -= until % grain
    found, judged = [], 0
    for name in _names(rule, kinds):
        course = _Course(rule, State(since=start, tick=start))
        for second, figure in walk(rule, name, start, until, step_s=grain, grain=grain, slots=slots):
            course.meet(second, figure)
            judged += 1
        found.append(Instance(name, _at_steps(course.values, span, start, grain), course.fired(name)))
    return Backtest(span, max(grain, MINUTE_S), judged, tuple(found))


@dataclass(slots=True)
class _Course:
    """One instance on its way through time."""

    rule: AlertRule
    state: State
    values: Values = field(default_factory=list)
    done: list[Fired] = field(default_factory=list)
    now: Fired | None = None
    timing: Timing = field(init=False)

    def __post_init__(self) -> None:
        self.timing = timing(self.rule)

    def meet(self, second: int, figure: Sample) -> None:
        self.values.append(figure.value)
        if self.state.is_at_rest and figure.verdict.is_known and figure.verdict.fires is None:
            return  # nearly always: a month has 43,200 minutes
        self.state, words = step(self.state, figure.verdict, self.timing, second)
        if Word.FIRED in words and self.state.severity is not None:
            self.now = Fired(_moment(second), None, figure.value, self.state.severity)
        elif self.now is not None:
            self.now = self._further(self.now, figure)
            if Word.RESOLVED in words:
                self.done.append(replace(self.now, end=_moment(second)))
                self.now = None

    def _further(self, fired: Fired, figure: Sample) -> Fired:
        severity = max(fired.severity, self.state.severity or fired.severity, key=lambda each: each.rank)
        return replace(fired, peak=self._worse(fired.peak, figure.value), severity=severity)

    def _worse(self, peak: float | None, value: float | None) -> float | None:
        if peak is None or value is None:
            return peak if value is None else value
        return max(peak, value) if self.rule.comparison == AlertRule.Comparison.ABOVE else min(peak, value)

    def fired(self, name: str) -> tuple[Fired, ...]:
        rest = [self.now] if self.now is not None else []
        return tuple(replace(each, instance=name) for each in (*self.done, *rest))


def _names(rule: AlertRule, kinds: dict[str, str]) -> Sequence[str]:
    if not is_pattern(rule.metric):
        return [""]
    return instances(rule.metric, kinds, known.NEEDED[AlertRule.Measure(rule.measure)])[:INSTANCES]


def _at_steps(values: Values, span: Span, start: int, grain: int) -> Values:
    """The last value of each step; None where none was judged."""
    steps: Values = [None] * span.points
    origin = int(span.start.timestamp())
    for place, value in enumerate(values):
        at = (start + (place + 1) * grain - origin - 1) // span.step_s
        if 0 <= at < span.points and value is not None:
            steps[at] = value
    return steps


def _bounds(span: Span) -> tuple[int, int]:
    return int(span.start.timestamp()), int(span.end.timestamp())


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
