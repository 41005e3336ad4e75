"""The stored figures of a stretch of the past, a cell of equal width after the other, as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from django.db import connection

from monitoring.metrics.sketch import LOWEST, Joined
from monitoring.metrics.store.rollup import HOUR_S, MINUTE_S
from monitoring.models import Hour

# Arrays as bytes: a tenth of the time of as many Python floats. NaN stands where nothing is recorded. The primary key
# serves it, as it does the sketches: a month of one series is 720 rows, and 43,200 sketches that come as one.
MINUTES_SQL: Final = """
SELECT hour, array_send(array_replace(sums, NULL, 'NaN')), array_send(array_replace(samples, NULL, 'NaN')),
  array_send(array_replace(minima, NULL, 'NaN')), array_send(array_replace(maxima, NULL, 'NaN'))
FROM monitoring_minutechunk WHERE series_id = %s AND hour > %s AND hour < %s
"""
# Of the wide seconds only one place is read, cell by cell.
SECONDS_SQL: Final = """
SELECT (second - %(start)s) / %(grain)s * %(grain)s + %(start)s, sum(points[%(slot)s]::float8), count(points[%(slot)s]),
  min(points[%(slot)s]), max(points[%(slot)s])
FROM monitoring_second WHERE second >= %(start)s AND second < %(end)s AND points[%(slot)s] IS NOT NULL GROUP BY 1
"""
# Both aggregates see the rows in the same order.
SKETCHES_SQL: Final = """
SELECT string_agg(int8send(start) || int4send(length(packed)) || float8send(seconds), ''), string_agg(packed, '')
FROM monitoring_latencysketch WHERE series_id = ANY (%s) AND width = %s AND start >= %s AND start < %s
"""
HEADER: Final = 20  # bytes before the elements of an array of one dimension, in PostgreSQL's binary form
ELEMENT: Final = np.dtype([("length", ">i4"), ("value", ">f8")])
HEAD: Final = np.dtype([("start", ">i8"), ("length", ">i4"), ("seconds", ">f8")])

Line = npt.NDArray[np.float64]
Counts = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stretch:
    """[start, end) in epoch seconds, in cells of `grain` seconds: 10, 60 or 3600."""

    start: int
    end: int
    grain: int

    @property
    def cells(self) -> int:
        return (self.end - self.start) // self.grain


@dataclass(frozen=True, slots=True)
class Rows:
    """A series at each cell: 0, and beyond all bounds, where there is nothing. `points` are seconds that have one."""

    sums: Line
    points: Line
    minima: Line
    maxima: Line


@dataclass(frozen=True, slots=True)
class Durations:
    """Some latency series together at each cell: a row of counts, whose first bucket is `lowest`, and their sum."""

    counts: Counts
    lowest: int
    seconds: Line


def figures(slot: int, stretch: Stretch) -> Rows:
    """One series' figures."""
    at, lines = (_minutes if stretch.grain == MINUTE_S else _others)(slot, stretch)
    inside = (at >= stretch.start) & (at < stretch.end) & ~np.isnan(lines[0])
    places = (at[inside] - stretch.start) // stretch.grain
    filled = []
    for line, empty in zip(lines, (0.0, 0.0, np.inf, -np.inf), strict=True):
        whole = np.full(stretch.cells, empty)
        whole[places] = line[inside]
        filled.append(whole)
    return Rows(*filled)


def durations(slots: Iterable[int], stretch: Stretch) -> Durations:
    """The sketches of these series, merged."""
    with connection.cursor() as cursor:
        cursor.execute(SKETCHES_SQL, [list(slots), stretch.grain, stretch.start, stretch.end])
        head, octets = cursor.fetchone()
    rows = np.frombuffer(bytes(head or b""), dtype=HEAD)
    if not len(rows):
        return Durations(np.zeros((stretch.cells, 1)), LOWEST, np.zeros(stretch.cells))
    places = (rows["start"].astype(np.int64) - stretch.start) // stretch.grain
    joined = Joined.read(bytes(octets), rows["length"].astype(np.int64))
    counts, lowest = joined.merged(places, stretch.cells)
    seconds = np.bincount(places, weights=rows["seconds"], minlength=stretch.cells)
    return Durations(counts, lowest, seconds.astype(np.float64))


def _minutes(slot: int, stretch: Stretch) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """When each minute of the hours around began, and its sum, samples, smallest and largest as four lines."""
    with connection.cursor() as cursor:
        cursor.execute(MINUTES_SQL, [slot, stretch.start - HOUR_S, stretch.end])
        rows = cursor.fetchall()
    lines = [[np.frombuffer(packed, ELEMENT, offset=HEADER)["value"] for packed in arrays] for _, *arrays in rows]
    starts = [hour + MINUTE_S * np.arange(len(sums)) for (hour, *_), (sums, *_) in zip(rows, lines, strict=True)]
    if not rows:
        return np.zeros(0, dtype=np.int64), np.zeros((4, 0))
    return np.concatenate(starts), np.concatenate([np.stack(each) for each in lines], axis=1).astype(np.float64)


def _others(slot: int, stretch: Stretch) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The same of hours, or of seconds put together."""
    if stretch.grain == HOUR_S:
        hours = Hour.objects.filter(series_id=slot, hour__gte=stretch.start, hour__lt=stretch.end)
        rows = list(hours.values_list("hour", "sum", "samples", "minimum", "maximum"))
    else:
        given = {"slot": slot, "start": stretch.start, "end": stretch.end, "grain": stretch.grain}
        with connection.cursor() as cursor:
            cursor.execute(SECONDS_SQL, given)
            rows = cursor.fetchall()
    table = np.asarray(rows, dtype=np.float64).reshape(-1, 5)
    return table[:, 0].astype(np.int64), table[:, 1:].T
