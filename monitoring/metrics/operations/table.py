"""The merged sketches of many latency series, step by step, in one query; and the sums of many counters in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from django.db import connection

from monitoring.metrics.operations.pieces import FIGURES, SKETCHES, Piece, Tiers, tiers
from monitoring.metrics.ranges import Span
from monitoring.metrics.sketch import BASE, Joined, table_quantiles
from monitoring.models import Series

# One row of two strings: a thousand sketches cost no more to fetch than their bytes. Both aggregates see the rows in
# the same order. The index of (width, start) serves it, for one series the primary key.
SKETCHES_SQL = """
SELECT string_agg(int4send(series_id) || int8send(start) || int4send(length(packed)), ''), string_agg(packed, '')
FROM unnest(%(widths)s::int[], %(starts)s::bigint[], %(ends)s::bigint[]) AS piece (wide, first, until)
JOIN monitoring_latencysketch ON width = wide AND start >= first AND start < until
WHERE series_id = ANY (%(slots)s)
"""
HOURS_SQL = "SELECT series_id, sum(sum) FROM monitoring_hour WHERE hour >= %s AND hour < %s AND series_id = ANY (%s)"
MINUTES_SQL = """
SELECT series_id, sum(value) FROM monitoring_minutechunk, unnest(sums) WITH ORDINALITY AS minute (value, place)
WHERE hour >= %s - 3540 AND hour < %s AND series_id = ANY (%s) AND hour + (place - 1) * 60 >= %s
  AND hour + (place - 1) * 60 < %s
"""
SECONDS_SQL = """
SELECT slot, sum(value) FROM monitoring_second, unnest(points) WITH ORDINALITY AS point (value, slot)
WHERE second >= %s AND second < %s AND slot = ANY (%s)
"""
HEAD: Final = np.dtype([("slot", ">i4"), ("start", ">i8"), ("length", ">i4")])
HEAT_ROWS: Final = 24


@dataclass(frozen=True, slots=True)
class Table:
    """Counts by series, step and bucket; the first bucket is `lowest`."""

    places: Mapping[str, int]
    counts: npt.NDArray[np.float64]
    lowest: int

    def total(self, name: str) -> float:
        return float(self.counts[self.places[name]].sum())

    def per_step(self, name: str) -> list[float]:
        """The observations of each step."""
        totals: list[float] = self.counts[self.places[name]].sum(axis=1).tolist()
        return totals

    def line(self, name: str, q: float) -> list[float | None]:
        """The quantile of each step in seconds, None without observations."""
        return table_quantiles(self.counts[self.places[name]], q, lowest=self.lowest)

    def lines(self, q: float) -> dict[str, list[float | None]]:
        """The quantile of each step of all series."""
        height, points, width = self.counts.shape
        values = table_quantiles(self.counts.reshape(height * points, width), q, lowest=self.lowest)
        return {name: values[place * points : (place + 1) * points] for name, place in self.places.items()}

    def whole(self, q: float) -> dict[str, float | None]:
        """The quantile over all steps of each series."""
        values = table_quantiles(self.counts.sum(axis=1), q, lowest=self.lowest)
        return {name: values[place] for name, place in self.places.items()}

    def heat(self, name: str, rows: int = HEAT_ROWS) -> tuple[list[float], list[list[float]]]:
        """Upper bounds in ms, ascending, and for each the observations of every step; nothing where there is none.

        Each row is as many buckets as it takes to have `rows` of them at most, so their heights are alike on a
        logarithmic scale.
        """
        counts = self.counts[self.places[name]]
        used = np.flatnonzero(counts.sum(axis=0))
        if not len(used):
            return [], []
        first, last = int(used[0]), int(used[-1])
        each = -(-(last - first + 1) // rows)
        height = -(-(last - first + 1) // each)
        padded = np.zeros((len(counts), height * each))
        padded[:, : last - first + 1] = counts[:, first : last + 1]
        merged: list[list[float]] = padded.reshape(len(counts), height, each).sum(axis=2).T.tolist()
        bounds = [BASE ** (self.lowest + first + (row + 1) * each - 1) * 1000 for row in range(height)]
        return bounds, merged


def table(names: Sequence[str], span: Span, *, step_s: int | None = None, reach: Tiers | None = None) -> Table:
    """The sketches of all these latency series in a span, in steps of `step_s` (None: the whole of it is one step).

    Where sketches as narrow as a step are no longer kept, each step has the observations of the one it lies in.
    """
    reach = reach or tiers()
    start, end = int(span.start.timestamp()), int(span.end.timestamp())
    widths = reach.fitting(SKETCHES, start=start, step_s=step_s)
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    slots = dict(Series.objects.filter(name__in=places).values_list("slot", "name"))
    head, octets = _fetch(reach.pieces(start, end, widths), list(slots))
    step = step_s or (end - start)
    grain = max(step, min(widths)) if step_s else step  # what the rows tell apart
    origin = start - start % grain if step_s else start
    points = -(-(end - origin) // grain)
    rank = np.zeros(max(slots, default=0) + 1, dtype=np.int64)
    for slot, name in slots.items():
        rank[slot] = places[name]
    steps = np.clip((head["start"].astype(np.int64) - origin) // grain, 0, points - 1)
    joined = Joined.read(octets, head["length"].astype(np.int64))
    counts, lowest = joined.merged(rank[head["slot"]] * points + steps, len(places) * points)
    whole = counts.reshape(len(places), points, counts.shape[1])
    if grain > step:
        finer = (np.arange(-(-(end - start) // step)) * step + start - origin) // grain
        whole = whole[:, finer]
    return Table(places, whole, lowest)


def counted(names: Sequence[str], span: Span, *, reach: Tiers | None = None) -> dict[str, float]:
    """The sum of each counter over a span, or the number of observations; 0 where there is nothing."""
    reach = reach or tiers()
    slots = dict(Series.objects.filter(name__in=names).values_list("slot", "name"))
    sums = dict.fromkeys(names, 0.0)
    start, end = int(span.start.timestamp()), int(span.end.timestamp())
    for piece in reach.pieces(start, end, reach.fitting(FIGURES, start=start, step_s=None)):
        for slot, value in _summed(piece, list(slots)):
            sums[slots[slot]] += value or 0.0
    return sums


def _fetch(pieces: Sequence[Piece], slots: list[int]) -> tuple[npt.NDArray[Any], bytes]:
    arguments = {
        "widths": [piece.width for piece in pieces],
        "starts": [piece.start for piece in pieces],
        "ends": [piece.end for piece in pieces],
        "slots": slots,
    }
    with connection.cursor() as cursor:
        cursor.execute(SKETCHES_SQL, arguments)
        head, octets = cursor.fetchone()
    return np.frombuffer(bytes(head or b""), dtype=HEAD), bytes(octets or b"")


def _summed(piece: Piece, slots: list[int]) -> list[tuple[int, float]]:
    bounds = (piece.start, piece.end)
    with connection.cursor() as cursor:
        if piece.width == FIGURES[0]:
            cursor.execute(f"{HOURS_SQL} GROUP BY 1", [*bounds, slots])
        elif piece.width == FIGURES[1]:
            cursor.execute(f"{MINUTES_SQL} GROUP BY 1", [*bounds, slots, *bounds])
        else:
            cursor.execute(f"{SECONDS_SQL} GROUP BY 1", [*bounds, slots])
        return [(int(slot), float(value)) for slot, value in cursor.fetchall() if value is not None]
