"""The merged sketches of many latency series, step by step, in one query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from django.db import connection

from monitoring.metrics.operations.pieces import SKETCHES, Piece, Tiers, tiers
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
HEAD: Final = np.dtype([("slot", ">i4"), ("start", ">i8"), ("length", ">i4")])
HEAT_ROWS: Final = 24


@dataclass(frozen=True, slots=True)
class Table:
    """Counts by series, stretch of time and bucket; the first bucket is `lowest`.

    `steps` says of each step which stretch it lies in: there are fewer where what is kept is coarser than a step.
    """

    places: Mapping[str, int]
    counts: npt.NDArray[np.float64]
    lowest: int
    steps: npt.NDArray[np.int64]

    def total(self, name: str) -> float:
        """The observations of the whole time."""
        return float(self.counts[self.places[name]].sum())

    def per_step(self, name: str) -> list[float]:
        """The observations of each step."""
        totals: list[float] = self._of(name).sum(axis=1).tolist()
        return totals

    def line(self, name: str, q: float) -> list[float | None]:
        """The quantile of each step in seconds, None without observations."""
        return table_quantiles(self._of(name), q, lowest=self.lowest)

    def lines(self, q: float) -> dict[str, list[float | None]]:
        """The quantile of each step of all series."""
        height, points, width = self.counts.shape
        values = table_quantiles(self.counts.reshape(height * points, width), q, lowest=self.lowest)
        steps = self.steps.tolist()
        return {name: [values[place * points + step] for step in steps] for name, place in self.places.items()}

    def whole(self, q: float) -> dict[str, float | None]:
        """The quantile over the whole time of each series."""
        values = table_quantiles(self.counts.sum(axis=1), q, lowest=self.lowest)
        return {name: values[place] for name, place in self.places.items()}

    def together(self, q: float) -> float | None:
        """The quantile over the whole time of all series as if they were one."""
        return table_quantiles(self.counts.sum(axis=(0, 1))[None, :], q, lowest=self.lowest)[0]

    def heat(self, name: str, rows: int = HEAT_ROWS) -> tuple[list[float], list[list[float]]]:
        """Upper bounds in ms, ascending, and for each the observations of every step; nothing where there is none.

        Each row is as many buckets as it takes to have `rows` of them at most, so their heights are alike on a
        logarithmic scale.
        """
        counts = self._of(name)
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

    def _of(self, name: str) -> npt.NDArray[np.float64]:
        counts: npt.NDArray[np.float64] = self.counts[self.places[name]][self.steps]
        return counts


@dataclass(frozen=True, slots=True)
class _Grid:
    """`points` stretches of `grain` seconds from `origin` on: what the rows tell apart."""

    origin: int
    grain: int
    points: int
    steps: npt.NDArray[np.int64]  # as in Table

    def at(self, moments: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The stretch of each moment; a row may begin a little before the first."""
        return np.clip((moments - self.origin) // self.grain, 0, self.points - 1)


def table(
    names: Sequence[str],
    span: Span,
    *,
    step_s: int | None = None,
    reach: Tiers | None = None,
    slots: Mapping[str, int] | None = None,
) -> Table:
    """The sketches of all these latency series in a span, in steps of `step_s` (None: the whole of it is one step).

    Where sketches as narrow as a step are no longer kept, each step has the observations of the one it lies in. Who
    knows how far the tiers reach, and the slots of the series, saves a query each.
    """
    reach = reach or tiers()
    start, end = int(span.start.timestamp()), int(span.end.timestamp())
    widths = reach.fitting(SKETCHES, start=start, step_s=step_s)
    grid = _grid(start, end, step_s, widths)
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    wanted = _wanted(places, slots)
    head, octets = _fetch(reach.pieces(start, end, widths), list(wanted))
    rows = _ranks(wanted)[head["slot"]] * grid.points + grid.at(head["start"].astype(np.int64))
    read = Joined.read(octets, head["length"].astype(np.int64))
    counts, lowest = read.merged(rows, len(places) * grid.points)
    return Table(places, counts.reshape(len(places), grid.points, counts.shape[1]), lowest, grid.steps)


def _grid(start: int, end: int, step_s: int | None, widths: Sequence[int]) -> _Grid:
    """For rows of these widths, the widest first."""
    if step_s is None:
        return _Grid(start, end - start, 1, np.zeros(1, dtype=np.int64))
    grain = max(step_s, min(widths))
    # a row must not lie across two steps
    origin = start - start % grain if start % widths[0] else start
    points = -(-(end - origin) // grain)
    if grain == step_s:
        return _Grid(origin, grain, points, np.arange(points))
    return _Grid(origin, grain, points, (np.arange(start, end, step_s) - origin) // grain)


def _wanted(places: Mapping[str, int], slots: Mapping[str, int] | None) -> dict[int, int]:
    """The place of each slot; of series that nobody recorded there is none."""
    if slots is None:
        slots = dict(Series.objects.filter(name__in=places).values_list("name", "slot"))
    return {slots[name]: place for name, place in places.items() if name in slots}


def _ranks(wanted: Mapping[int, int]) -> npt.NDArray[np.int64]:
    ranks = np.zeros(max(wanted, default=0) + 1, dtype=np.int64)
    ranks[list(wanted)] = list(wanted.values())
    return ranks


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
