"""Reads figures of a span of time from the tiers: hours, then minutes, then the seconds that are not rolled up yet."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from django.db import connection
from django.db.backends.utils import CursorWrapper

from monitoring.metrics.ranges import RANGES as RANGES
from monitoring.metrics.ranges import Span as Span
from monitoring.metrics.ranges import span as span
from monitoring.metrics.sketch import Counts, table, table_quantiles
from monitoring.metrics.store.rollup import HOUR_S, MINUTE_S
from monitoring.models import LatencySketch, Series, Watermark

# Each tier is summed by the span's steps where it lies: twelve series over a day are 1,440 rows on the way, not 17,280
# values in Python. Of the wide seconds only the wanted places are read: unnesting all of them takes six times as long.
SECONDS_SQL = """
SELECT (second - %(origin)s) / %(step)s, {columns} FROM monitoring_second
WHERE second >= %(start)s AND second < %(end)s GROUP BY 1
"""
MINUTES_SQL = """
SELECT (hour + (place - 1) * 60 - %(origin)s) / %(step)s, series_id, sum(value), sum(n)
FROM monitoring_minutechunk, unnest(sums, samples) WITH ORDINALITY AS minute (value, n, place)
WHERE series_id = ANY (%(slots)s) AND hour > %(start)s - 3600 AND hour < %(end)s
  AND hour + (place - 1) * 60 >= %(start)s AND hour + (place - 1) * 60 < %(end)s AND value IS NOT NULL
GROUP BY 1, 2
"""
HOURS_SQL = """
SELECT (hour - %(origin)s) / %(step)s, series_id, sum(sum), sum(samples) FROM monitoring_hour
WHERE series_id = ANY (%(slots)s) AND hour >= %(start)s AND hour < %(end)s
GROUP BY 1, 2
"""

AT_ONCE: Final = 400  # slots in one statement: PostgreSQL answers with at most 1,664 columns

Steps = npt.NDArray[np.float64]
Cell = tuple[int, int, float, float]


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece [start, end) of a span, in epoch seconds, that is read from one tier."""

    tier_s: int
    start: int
    end: int


def counts(names: Sequence[str], span: Span) -> dict[str, list[float]]:
    """Per step the sum of a counter, or the number of observations of a latency series; 0 where there is nothing."""
    return {name: sums.tolist() for name, (sums, _) in _figures(names, span).items()}


def gauges(names: Sequence[str], span: Span) -> dict[str, list[float | None]]:
    """Per step the mean of a gauge's samples; None where it was not sampled."""
    return {
        name: [total / n if n else None for total, n in zip(sums.tolist(), samples.tolist(), strict=True)]
        for name, (sums, samples) in _figures(names, span).items()
    }


def quantiles(name: str, span: Span, qs: Sequence[float] = (0.5, 0.95, 0.99)) -> dict[float, list[float | None]]:
    """Per step the quantiles of a latency series in seconds, from its merged sketches; None without observations."""
    merged = _sketches([name], span)
    return {q: table_quantiles(merged, q) for q in qs}


def quantile(names: Sequence[str], span: Span, q: float) -> float | None:
    """One quantile in seconds over the whole span and all the series together."""
    return table_quantiles(_sketches(names, span).sum(axis=0, keepdims=True), q)[0]


def total(names: Sequence[str], span: Span) -> float:
    """The sum over the span and all the series."""
    return float(sum(sums.sum() for sums, _ in _figures(names, span).values()))


def names(prefix: str) -> list[str]:
    """The names of the series that start with `prefix`, in order."""
    return list(Series.objects.filter(name__startswith=prefix).order_by("name").values_list("name", flat=True))


def _parts(span: Span) -> Iterator[_Part]:
    """Which tier serves which piece: the widest whose rows are complete and no wider than a step."""
    start, end = int(span.start.timestamp()), int(span.end.timestamp())
    mark = Watermark.objects.values_list("sealed_until", flat=True).first()
    sealed = int(time.time()) if mark is None else mark
    for tier in (HOUR_S, MINUTE_S):
        until = min(end, sealed - sealed % tier)
        if span.step_s % tier == 0 and until > start:
            # a span that starts inside an hour begins with minutes of it
            first = start + -start % tier
            if first < until:
                if start < first:
                    yield _Part(MINUTE_S, start, first)
                yield _Part(tier, first, until)
                start = until
    if start < end:
        yield _Part(1, start, end)


def _figures(names: Sequence[str], span: Span) -> dict[str, tuple[Steps, Steps]]:
    """Per series and step the sum and the number of its points (seconds that have one)."""
    slots = dict(Series.objects.filter(name__in=names).values_list("slot", "name"))
    found = {name: (np.zeros(span.points), np.zeros(span.points)) for name in names}
    for part in _parts(span) if slots else ():
        for step, slot, value, samples in _cells(part, list(slots), span):
            sums, counted = found[slots[slot]]
            sums[step] += value
            counted[step] += samples
    return found


def _cells(part: _Part, slots: list[int], span: Span) -> Iterator[Cell]:
    """(step, slot, sum, samples) of a part, by the span's steps, not the part's: it may begin within one."""
    given = {"origin": int(span.start.timestamp()), "step": span.step_s, "start": part.start, "end": part.end}
    with connection.cursor() as cursor:
        if part.tier_s >= MINUTE_S:
            cursor.execute(HOURS_SQL if part.tier_s == HOUR_S else MINUTES_SQL, given | {"slots": slots})
            for step, slot, value, samples in cursor.fetchall():
                yield int(step), slot, value, samples
            return
        for first in range(0, len(slots), AT_ONCE):
            yield from _seconds(cursor, given, slots[first : first + AT_ONCE])


def _seconds(cursor: CursorWrapper, given: dict[str, int], slots: Sequence[int]) -> Iterator[Cell]:
    # numbers of our own making: a place in an array can be a parameter, but each would be sent twice
    columns = ", ".join(f"sum(points[{slot}]::float8), count(points[{slot}])" for slot in slots)
    cursor.execute(SECONDS_SQL.format(columns=columns), given)
    for step, *figures in cursor.fetchall():
        for slot, value, samples in zip(slots, figures[::2], figures[1::2], strict=True):
            if samples:
                yield int(step), slot, value, samples


def _sketches(names: Sequence[str], span: Span) -> Counts:
    """Per step the merged buckets of the series: shape (points, buckets)."""
    packed: list[bytes] = []
    steps: list[int] = []
    origin = int(span.start.timestamp())
    for part in _parts(span):
        width = max(part.tier_s, 10)
        rows = LatencySketch.objects.filter(series__name__in=names, width=width)
        for start, sketch in rows.filter(start__gte=part.start, start__lt=part.end).values_list("start", "packed"):
            packed.append(bytes(sketch))
            steps.append((start - origin) // span.step_s)
    return table(packed, steps, span.points)
