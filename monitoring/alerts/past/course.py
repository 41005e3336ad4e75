"""A rule's values over a stretch of the past, and what each crosses: as `judge.measure` does it, for all at once.

That one judges a tick from figures of many rules; this one a rule at 43,200 minutes. A test holds them together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from monitoring.alerts.judge.measure import OF_SKETCHES, QUANTILES, Kind, Measure, needs, views
from monitoring.alerts.judge.samples import FINE_S
from monitoring.alerts.past.rows import Line, Rows, Stretch, durations, figures
from monitoring.alerts.past.windows import latest, least, moving, totals
from monitoring.metrics.sketch import table_quantiles
from monitoring.metrics.store.rollup import HOUR_S, MINUTE_S
from monitoring.metrics.store.write import SKETCH_S
from monitoring.models import AlertRule, Severity

DAY_S: Final = 86_400
CHUNK: Final = 4320  # cells whose durations are held at a time: some 10 MB
NONE: Final = -1

Ranks = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Course:
    """At each of `seconds`: the value (NaN: not known), and the ranks of what it fires and still holds (-1: none)."""

    seconds: npt.NDArray[np.int64]
    values: Line
    fires: Ranks
    holds: Ranks


@dataclass(frozen=True, slots=True)
class Grid:
    """The end of each step in (start, end], whole steps in epoch seconds, judged from rows of `grain` seconds."""

    start: int
    end: int
    step_s: int
    grain: int
    slots: Mapping[str, int]

    @property
    def seconds(self) -> npt.NDArray[np.int64]:
        return np.arange(self.start + self.step_s, self.end + 1, self.step_s, dtype=np.int64)

    @property
    def first(self) -> int:
        """Where the first cell begins at whose end somebody may look: cells lie on multiples of their width."""
        return self.start - self.start % self.grain - self.grain * (self.grain > self.step_s)

    @property
    def last(self) -> int:
        """Where the last one ends."""
        return max(self.first + self.grain, self.end - self.end % self.grain)

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """The cell with which each step ends; where cells are wider, the last one that was complete."""
        return (self.seconds - self.first) // self.grain - 1


def grain_of(rule: AlertRule, step_s: int = MINUTE_S) -> int:
    """The width of the rows that are read: as fine as the steps, but of windows of days hours are enough.

    For what lies further back than ten minutes the present is judged by minutes too.
    """
    back_s = max(need.window_s + need.ago_s for need in needs(rule, ""))
    if step_s < MINUTE_S:
        return SKETCH_S if back_s <= FINE_S else MINUTE_S
    return HOUR_S if back_s > 2 * DAY_S or step_s % HOUR_S == 0 else MINUTE_S


def course(rule: AlertRule, instance: str, grid: Grid) -> Course:
    """The rule's values of an instance. Raises KeyError, TypeError or ValueError for a rule that is damaged."""
    if not len(grid.seconds):
        nothing = np.zeros(0, dtype=np.int64)
        return Course(nothing, np.zeros(0), nothing, nothing)
    amounts = [_Amounts(rule, window_s, ago_s, grid).of(*names) for *names, window_s, ago_s in views(rule, instance)]
    if rule.kind == Kind.BURN:
        return _burn(rule, amounts, grid)
    values = _against(*amounts) if rule.kind == Kind.RATIO else amounts[0]
    sign = 1 if rule.comparison == AlertRule.Comparison.ABOVE else -1
    bounds = {
        key: [(sign * values > sign * float(each[key]), each) for each in rule.thresholds] for key in ("fire", "clear")
    }
    return Course(grid.seconds, values, _worst(bounds["fire"], values), _worst(bounds["clear"], values))


@dataclass(frozen=True, slots=True)
class _Amounts:
    """One view's window on its way over the grid."""

    rule: AlertRule
    window_s: int
    ago_s: int
    grid: Grid

    @property
    def width(self) -> int:
        return max(1, -(-self.window_s // self.grid.grain))

    def of(self, metric: Sequence[str], denominator: Sequence[str]) -> Line:
        """What the view amounts to at each step; NaN where it is not known."""
        slots, measure = [self.grid.slots[name] for name in metric if name in self.grid.slots], self.rule.measure
        if measure == Measure.SHARE:
            whole = self._totals([self.grid.slots[name] for name in denominator if name in self.grid.slots])
            return _over(100 * self._totals(slots), whole, max(1, self.rule.min_events))
        if not slots:
            return np.full(len(self.grid.seconds), np.nan)
        if measure in OF_SKETCHES:
            return self._durations(slots)
        if measure in {Measure.COUNT, Measure.RATE}:
            return self._totals(slots) / (self.window_s if measure == Measure.RATE else 1)
        lines = np.stack([self._gauge(figures(slot, self._stretch())) for slot in slots])
        return np.where(np.isnan(lines).all(axis=0), np.nan, np.nansum(lines, axis=0))

    def _stretch(self) -> Stretch:
        """All cells that windows reach back to."""
        grid, ago_s = self.grid, self.ago_s + -self.ago_s % self.grid.grain
        return Stretch(grid.first - ago_s - (self.width - 1) * grid.grain, grid.last - ago_s, grid.grain)

    def _totals(self, slots: Sequence[int]) -> Line:
        lines = (totals(figures(slot, self._stretch()).sums, self.width)[self.grid.places] for slot in slots)
        return sum(lines, start=np.zeros(len(self.grid.seconds)))

    def _gauge(self, rows: Rows) -> Line:
        """Of one series; NaN where nobody sampled it in the window."""
        points, places = moving(rows.points, self.width), self.grid.places
        line: Callable[[], Line] = {
            Measure.AVERAGE: lambda: _over(moving(rows.sums, self.width), points, 1),
            Measure.VALUE: lambda: latest(_over(rows.sums, rows.points, 1))[self.width - 1 :],
            Measure.MAX: lambda: -least(-rows.maxima, self.width),
            Measure.MIN: lambda: least(rows.minima, self.width),
        }[Measure(self.rule.measure)]
        known: Line = np.where(points > 0, line(), np.nan)[places]
        return known

    def _durations(self, slots: Sequence[int]) -> Line:
        """A chunk after the other: a row of buckets for each minute of a month would be hundreds of megabytes."""
        whole, grain = self._stretch(), self.grid.grain
        found = []
        for first in range(0, whole.cells - self.width + 1, CHUNK):
            last = min(whole.cells, first + CHUNK + self.width - 1)
            part = durations(slots, Stretch(whole.start + first * grain, whole.start + last * grain, grain))
            events = moving(part.counts.sum(axis=1), self.width)
            if self.rule.measure == Measure.MEAN:
                figure = _over(1000 * moving(part.seconds, self.width), events, 1)
            else:
                merged = moving(part.counts, self.width)
                found_s = table_quantiles(merged, QUANTILES[Measure(self.rule.measure)], lowest=part.lowest)
                figure = 1000 * np.asarray(found_s, dtype=np.float64)
            found.append(np.where(events >= max(1, self.rule.min_events), figure, np.nan))
        return np.concatenate(found)[self.grid.places]


def _over(part: Line, whole: Line, least_whole: float) -> Line:
    """NaN where the whole is too small."""
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole >= least_whole)


def _against(now: Line, base: Line) -> Line:
    """By how many percent the first is more than the second; NaN where there is nothing to compare with."""
    return 100 * (_over(now, np.where(base > 0, base, 0.0), np.finfo(np.float64).tiny) - 1)


def _worst(crossed: Sequence[tuple[npt.NDArray[np.bool_], dict[str, Any]]], like: Line) -> Ranks:
    """The rank of the worst severity that is crossed."""
    ranks = np.full(len(like), NONE)
    for where, threshold in crossed:
        ranks = np.where(where, np.maximum(ranks, Severity(threshold["severity"]).rank), ranks)
    return ranks


def _burn(rule: AlertRule, amounts: Sequence[Line], grid: Grid) -> Course:
    """The fastest burn that both windows of a pair show, as `judge.measure` has it."""
    assert rule.objective is not None
    budget = 100 * (1 - rule.objective)
    rates = [np.minimum(long, short) / budget for long, short in zip(amounts[::2], amounts[1::2], strict=True)]
    values = np.fmax.reduce(rates)
    fires, holds = (
        [(rate > float(each[key]), each) for rate, each in zip(rates, rule.thresholds, strict=True)]
        for key in ("fire", "clear")
    )
    return Course(grid.seconds, values, _worst(fires, values), _worst(holds, values))
