"""Counters and gauges of a span of time: all that a page shows of one, read in a single pass over the tiers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from django.db import connection

from monitoring.metrics.operations.pieces import FIGURES, Piece, Tiers, tiers
from monitoring.metrics.ranges import Span
from monitoring.metrics.store.rollup import HOUR_S, MINUTE_S
from monitoring.models import Series

# Seconds and hours are summed by the span's steps where they lie. Of the wide seconds only the wanted places are read:
# unnesting all of them takes six times as long.
SECONDS_SQL = """
SELECT (second - %(origin)s) / %(step)s, {columns} FROM monitoring_second
WHERE second >= %(start)s AND second < %(end)s GROUP BY 1
"""
# Minutes lie together in arrays, which are sent as they are, in one row of one string: to unnest and group them takes
# PostgreSQL four times as long. Each array is a head and sixty times a length and a value.
MINUTES_SQL = """
SELECT string_agg(int4send(series_id::int) || int8send(hour)
  || array_send(array_replace(sums, NULL, 'NaN')) || array_send(array_replace(samples, NULL, 'NaN')), '')
FROM monitoring_minutechunk
WHERE series_id = ANY (%(slots)s) AND hour > %(start)s - 3600 AND hour < %(end)s
"""
HOURS_SQL = """
SELECT (hour - %(origin)s) / %(step)s, series_id, sum(sum), sum(samples) FROM monitoring_hour
WHERE series_id = ANY (%(slots)s) AND hour >= %(start)s AND hour < %(end)s
GROUP BY 1, 2
"""
WANTED_SQL = """
SELECT name, slot, (SELECT sealed_until FROM monitoring_watermark LIMIT 1) FROM monitoring_series WHERE name = ANY (%s)
"""

AT_ONCE: Final = 400  # slots in one statement: PostgreSQL answers with at most 1,664 columns
ARRAY: Final = np.dtype([("head", "V20"), ("items", [("length", ">i4"), ("value", ">f8")], 60)])
CHUNK: Final = np.dtype([("slot", ">i4"), ("hour", ">i8"), ("sums", ARRAY), ("samples", ARRAY)])

Grid = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Known:
    """What a page looks up once, before it reads: the place of each series by name, and how far the tiers reach."""

    slots: Mapping[str, int]
    reach: Tiers

    def names(self, prefix: str) -> list[str]:
        """The names of the series that start with `prefix`, in order."""
        return sorted(name for name in self.slots if name.startswith(prefix))


@dataclass(frozen=True, slots=True)
class Figures:
    """Series of one span by name; those that nobody recorded have nothing. KeyError for one that was not asked for."""

    span: Span
    rows: Mapping[str, int]
    sums: Grid  # by row and step
    samples: Grid  # seconds that have a point, likewise

    def counts(self, name: str) -> list[float]:
        """Per step the sum of a counter, or the number of observations of a latency series; 0 where there is none."""
        sums: list[float] = self.sums[self.rows[name]].tolist()
        return sums

    def gauges(self, name: str) -> list[float | None]:
        """Per step the mean of a gauge's samples; None where it was not sampled."""
        row = self.rows[name]
        pairs = zip(self.sums[row].tolist(), self.samples[row].tolist(), strict=True)
        return [total / n if n else None for total, n in pairs]

    def total(self, names: Iterable[str]) -> float:
        """The sum over the span and these series."""
        return float(sum(self.sums[self.rows[name]].sum() for name in names))

    def within(self, span: Span) -> Figures:
        """Those of a part of the span: whole steps of it."""
        first = (span.start - self.span.start) // timedelta(seconds=span.step_s)
        steps = slice(first, first + span.points)
        return Figures(span, self.rows, self.sums[:, steps], self.samples[:, steps])


def known() -> Known:
    """All series: two queries."""
    return Known(dict(Series.objects.values_list("name", "slot")), tiers())


def figures(names: Iterable[str], span: Span, *, known: Known | None = None) -> Figures:
    """The figures of these series in a span, with a query for each tier; one more where `known` is not given."""
    rows = {name: row for row, name in enumerate(dict.fromkeys(names))}
    known = known or _wanted(list(rows))
    found = Figures(span, rows, np.zeros((len(rows), span.points)), np.zeros((len(rows), span.points)))
    places = {known.slots[name]: row for name, row in rows.items() if name in known.slots}
    # the widest whose rows are complete and no wider than a step
    widths = [width for width in FIGURES if span.step_s % width == 0]
    start, end = int(span.start.timestamp()), int(span.end.timestamp())
    for piece in known.reach.pieces(start, end, widths) if places else ():
        ADDERS[piece.width](found, piece, places)
    return found


def _wanted(names: list[str]) -> Known:
    """Only these series, and no days of sketches: one query."""
    with connection.cursor() as cursor:
        cursor.execute(WANTED_SQL, [names])
        rows = cursor.fetchall()
    marks = [mark for _, _, mark in rows[:1] if mark is not None]
    return Known({name: slot for name, slot, _ in rows}, Tiers(marks[0] if marks else int(time.time()), None))


def _add_hours(found: Figures, piece: Piece, places: Mapping[int, int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(HOURS_SQL, _bounds(found.span, piece) | {"slots": list(places)})
        cells = np.array(cursor.fetchall(), dtype=np.float64).reshape(-1, 4)
    at = _ranks(places)[cells[:, 1].astype(np.int64)], cells[:, 0].astype(np.int64)
    found.sums[at] += cells[:, 2]
    found.samples[at] += cells[:, 3]


def _add_minutes(found: Figures, piece: Piece, places: Mapping[int, int]) -> None:
    bounds = _bounds(found.span, piece)
    with connection.cursor() as cursor:
        cursor.execute(MINUTES_SQL, bounds | {"slots": list(places)})
        chunks = np.frombuffer(bytes(cursor.fetchone()[0] or b""), dtype=CHUNK)
    minutes = chunks["hour"].astype(np.int64)[:, None] + np.arange(0, HOUR_S, MINUTE_S)
    sums = chunks["sums"]["items"]["value"].astype(np.float64)
    there = (minutes >= piece.start) & (minutes < piece.end) & ~np.isnan(sums)
    rows = np.broadcast_to(_ranks(places)[chunks["slot"]][:, None], there.shape)[there]
    at = rows, (minutes[there] - bounds["origin"]) // found.span.step_s
    np.add.at(found.sums, at, sums[there])
    np.add.at(found.samples, at, chunks["samples"]["items"]["value"].astype(np.float64)[there])


def _add_seconds(found: Figures, piece: Piece, places: Mapping[int, int]) -> None:
    slots = list(places)
    for first in range(0, len(slots), AT_ONCE):
        some = slots[first : first + AT_ONCE]
        # numbers of our own making: a place in an array can be a parameter, but each would be sent twice
        columns = ", ".join(f"sum(points[{slot}]::float8), count(points[{slot}])" for slot in some)
        with connection.cursor() as cursor:
            cursor.execute(SECONDS_SQL.format(columns=columns), _bounds(found.span, piece))
            cells = np.array(cursor.fetchall(), dtype=np.float64).reshape(-1, 1 + 2 * len(some))
        at = np.ix_(_ranks(places)[some], cells[:, 0].astype(np.int64))
        found.sums[at] += np.nan_to_num(cells[:, 1::2]).T
        found.samples[at] += cells[:, 2::2].T


ADDERS: Final = {HOUR_S: _add_hours, MINUTE_S: _add_minutes, 1: _add_seconds}


def _bounds(span: Span, piece: Piece) -> dict[str, Any]:
    """By the span's steps, not the piece's: it may begin within one."""
    return {"origin": int(span.start.timestamp()), "step": span.step_s, "start": piece.start, "end": piece.end}


def _ranks(places: Mapping[int, int]) -> npt.NDArray[np.int64]:
    """The row of each slot."""
    ranks = np.zeros(max(places) + 1, dtype=np.int64)
    ranks[list(places)] = list(places.values())
    return ranks
