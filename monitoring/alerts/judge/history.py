"""A rule's values over a stretch of the past: the figures that its evaluation would have had, from the stored tiers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from monitoring.alerts.judge.measure import Figures, Need, Sample, needs, sample
from monitoring.alerts.judge.samples import Piece, cells, seconds_of, sketches
from monitoring.metrics.sketch import Counts, table
from monitoring.metrics.store.rollup import HOUR_S, MINUTE_S
from monitoring.metrics.store.write import SKETCH_S
from monitoring.models import AlertRule

CHUNK: Final = 1440  # cells that are held at a time: a day of minutes
Line = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Lines:
    """One need at each cell of a chunk."""

    total: Line
    points: Line
    minimum: Line
    maximum: Line
    last: Line
    seconds: Line
    buckets: Counts | None

    def at(self, place: int) -> Figures:
        """What was known at the end of a cell."""
        points = float(self.points[place])
        return Figures(
            total=float(self.total[place]),
            points=points,
            minimum=float(self.minimum[place]) if points else None,
            maximum=float(self.maximum[place]) if points else None,
            last=float(self.last[place]) if points else None,
            seconds=float(self.seconds[place]),
            buckets=None if self.buckets is None else self.buckets[place],
        )


def grain_of(rule: AlertRule, step_s: int = MINUTE_S) -> int:
    """The width of the rows that a walk reads: as fine as its steps, but of windows of days hours are enough."""
    window_s = max(need.window_s + need.ago_s for need in needs(rule, ""))
    if step_s < MINUTE_S:
        return SKETCH_S
    return HOUR_S if window_s > 2 * CHUNK * MINUTE_S or step_s % HOUR_S == 0 else MINUTE_S


def walk(
    rule: AlertRule, instance: str, start: int, end: int, *, step_s: int, grain: int, slots: dict[str, int]
) -> Iterator[tuple[int, Sample]]:
    """The end of each step in (start, end] and what the rule's value was there; both are whole steps."""
    wanted = [need for need in dict.fromkeys(needs(rule, instance)) if need.name in slots]
    for first in range(start, end, CHUNK * grain):
        last = min(end, first + CHUNK * grain)
        lines = {need: _lines(need, first, last, grain, slots) for need in wanted}
        for second in range(first + grain, last + 1, grain):
            if (second - start) % step_s:
                continue
            found = {need: line.at((second - first) // grain - 1) for need, line in lines.items()}
            yield second, sample(rule, instance, lambda need, found=found: found.get(need))


def _lines(need: Need, first: int, last: int, grain: int, slots: dict[str, int]) -> _Lines:
    """A need's figures at the end of each cell of [first, last)."""
    width = max(1, -(-need.window_s // grain))
    ago_s = need.ago_s + -need.ago_s % grain
    start, end = first - ago_s - (width - 1) * grain, last - ago_s
    sums, points, minima, maxima = _rows(need, start, end, grain, slots)
    total, counted = _moving(sums, width), _moving(points, width)
    means = np.divide(sums, points, out=np.full_like(sums, np.nan), where=points > 0)
    buckets, seconds = _durations(need, start, end, grain, slots) if need.is_sketch else (None, np.zeros_like(sums))
    return _Lines(
        total=total,
        points=counted,
        minimum=_windows(minima, width).min(axis=1),
        maximum=_windows(maxima, width).max(axis=1),
        last=_latest(means)[width - 1 :],
        seconds=_moving(seconds, width),
        buckets=None if buckets is None else _moving(buckets, width),
    )


def _rows(need: Need, start: int, end: int, grain: int, slots: dict[str, int]) -> tuple[Line, Line, Line, Line]:
    """Sums, samples, smallest and largest of each cell; 0, and beyond all bounds, where there is nothing."""
    height, slot = (end - start) // grain, slots[need.name]
    sums, points = np.zeros(height), np.zeros(height)
    minima, maxima = np.full(height, np.inf), np.full(height, -np.inf)
    if grain >= MINUTE_S:
        for _, (at, _, *figures) in cells({need: [Piece(grain, start, end)]}, slots):
            place = (at - start) // grain
            sums[place], points[place], minima[place], maxima[place] = figures
        return sums, points, minima, maxima
    seconds, table_ = seconds_of(start, end)
    column = table_[:, slot - 1] if slot <= table_.shape[1] else np.full(len(seconds), np.nan)
    known = ~np.isnan(column)
    places, values = (seconds[known] - start) // grain, column[known]
    np.add.at(sums, places, values)
    np.add.at(points, places, 1.0)
    np.minimum.at(minima, places, values)
    np.maximum.at(maxima, places, values)
    return sums, points, minima, maxima


def _durations(need: Need, start: int, end: int, grain: int, slots: dict[str, int]) -> tuple[Counts, Line]:
    height = (end - start) // grain
    rows = sketches({need: [Piece(grain, start, end)]}, slots).get((slots[need.name], grain), [])
    places = [(at - start) // grain for at, _, _ in rows]
    seconds = np.zeros(height)
    np.add.at(seconds, places, [spent for _, _, spent in rows])
    return table([packed for _, packed, _ in rows], places, height), seconds


def _moving(rows: Line, width: int) -> Line:
    """The sum of each `width` rows that follow one another."""
    if width == 1:
        return rows
    reached = np.cumsum(rows, axis=0)
    reached[width:] = reached[width:] - reached[:-width]
    return reached[width - 1 :]


def _windows(rows: Line, width: int) -> Line:
    return np.lib.stride_tricks.sliding_window_view(rows, width)


def _latest(values: Line) -> Line:
    """At each place the last value that is known by then; NaN before the first."""
    known = np.where(np.isnan(values), -1, np.arange(len(values)))
    places = np.maximum.accumulate(known)
    return np.where(places >= 0, values[places], np.nan)
