"""What a rule would have done: its values over stored history, and the spans in which it would have fired."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from monitoring.alerts.judge.samples import known_series
from monitoring.alerts.past.course import Course, Grid, course, grain_of
from monitoring.alerts.past.replay import Fired, replay
from monitoring.alerts.past.rows import Line
from monitoring.alerts.rules import known
from monitoring.alerts.rules.patterns import instances, is_pattern
from monitoring.metrics.ranges import Span
from monitoring.metrics.store.rollup import MINUTE_S
from monitoring.models import AlertRule, Watermark

INSTANCES: Final = 20  # of a pattern, that are looked at
LONGEST_S: Final = 30 * 86_400

Values = list[float | None]


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
    grid = Grid(*_bounds(span), span.step_s, grain_of(wide, span.step_s), slots)
    lines = [course(wide, name, grid).values for name in _names(rule, kinds)]
    worst = np.fmax if rule.comparison == AlertRule.Comparison.ABOVE else np.fmin
    return _values(worst.reduce(lines)) if lines else [None] * span.points


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
    grid = Grid(start, until - until % grain, grain, grain, slots)
    found, judged = [], 0
    for name in _names(rule, kinds):
        past = course(rule, name, grid)
        found.append(Instance(name, _at_steps(past, span), replay(rule, name, past, start)))
        judged += len(past.seconds)
    return Backtest(span, max(grain, MINUTE_S), judged, tuple(found))


def _names(rule: AlertRule, kinds: dict[str, str]) -> Sequence[str]:
    if not is_pattern(rule.metric):
        return [""]
    return instances(rule.metric, kinds, known.NEEDED[AlertRule.Measure(rule.measure)])[:INSTANCES]


def _at_steps(past: Course, span: Span) -> Values:
    """The last value of each step; None where none was judged."""
    steps = np.full(span.points, np.nan)
    at = (past.seconds - int(span.start.timestamp()) - 1) // span.step_s
    inside = (at >= 0) & (at < span.points) & ~np.isnan(past.values)
    steps[at[inside]] = past.values[inside]  # of several for one place the last one stays
    return _values(steps)


def _values(line: Line) -> Values:
    return [None if value != value else value for value in line.tolist()]


def _bounds(span: Span) -> tuple[int, int]:
    return int(span.start.timestamp()), int(span.end.timestamp())
