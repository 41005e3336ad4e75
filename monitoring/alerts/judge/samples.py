"""Reads the figures of all rules at once: seconds for short windows, minutes and hours for long ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from django.db import connection

from monitoring.alerts.judge.measure import Figures, Need
from monitoring.metrics.sketch import table
from monitoring.metrics.store.rollup import HOUR_S, MINUTE_S
from monitoring.metrics.store.write import SKETCH_S
from monitoring.models import Hour, LatencySketch, MinuteChunk, Series, Watermark

FINE_S: Final = 600  # what lies further back is read by the minute
HOURLY_S: Final = 86_400  # windows from here on are made of whole hours where they can
# The arrays as bytes: a tenth of the time of half a million Python floats. NaN stands where nothing is recorded.
SECONDS_SQL: Final = """
SELECT second, array_send(array_replace(points, NULL, 'NaN'::real))
FROM monitoring_second WHERE second >= %s AND second < %s ORDER BY second
"""
HEADER: Final = 20  # bytes before the elements of an array of one dimension, in PostgreSQL's binary form
ELEMENT: Final = np.dtype([("length", ">i4"), ("value", ">f4")])

Cells = npt.NDArray[np.float64]
Cell = tuple[int, int, float, float, float, float]  # start, width, sum, samples, minimum, maximum


@dataclass(frozen=True, slots=True)
class Piece:
    """[start, end) in epoch seconds, read from the rows of that width."""

    width: int
    start: int
    end: int


@dataclass(slots=True)
class Samples:
    """Figures at one tick after another. Long windows end with a sealed minute, and are kept until the next one."""

    _kept: dict[Need, Figures | None] = field(default_factory=dict)
    _kept_at: int = -1
    _met: dict[Need, Figures | None] = field(default_factory=dict)

    def load(self, needs: Iterable[Need], tick: int, slots: dict[str, int]) -> None:
        """Reads what is needed at `tick`, in a few queries whatever the number of needs."""
        wanted = {need for need in needs if need.name in slots}
        fine = [need for need in wanted if need.window_s + need.ago_s <= FINE_S]
        self._met = _fine(fine, tick, slots)
        mark = Watermark.objects.values_list("sealed_until", flat=True).first()
        end = min(tick - tick % MINUTE_S, mark if mark is not None else tick)
        if end != self._kept_at:
            self._kept, self._kept_at = {}, end
        coarse = [need for need in wanted if need.window_s + need.ago_s > FINE_S and need not in self._kept]
        self._kept |= _coarse(coarse, end, slots)

    def __call__(self, need: Need) -> Figures | None:
        return self._met[need] if need in self._met else self._kept.get(need)


def known_series() -> tuple[dict[str, int], dict[str, str]]:
    """The slot and the kind of every series that is recorded, by name."""
    rows = list(Series.objects.values_list("name", "slot", "kind"))
    return {name: slot for name, slot, _ in rows}, {name: kind for name, _, kind in rows}


def _fine(needs: Sequence[Need], tick: int, slots: dict[str, int]) -> dict[Need, Figures | None]:
    if not needs:
        return {}
    back = max(need.window_s + need.ago_s for need in needs)
    seconds, points = seconds_of(tick - back, tick)
    found: dict[Need, Figures | None] = {}
    pieces = {}
    for need in needs:
        pieces[need] = [piece := Piece(SKETCH_S, tick - need.ago_s - need.window_s, tick - need.ago_s)]
        first, last = np.searchsorted(seconds, [piece.start, piece.end])
        # nobody reported: a counter that stands still and one that nobody sends are different things
        place = slots[need.name] - 1
        found[need] = _figures(points[first:last, place : place + 1]) if last > first else None
    return _with_sketches(found, pieces, slots)


def seconds_of(start: int, end: int) -> tuple[npt.NDArray[np.int64], Cells]:
    """The seconds that there are, and a row of points for each."""
    with connection.cursor() as cursor:
        cursor.execute(SECONDS_SQL, [start, end])
        rows = [(second, np.frombuffer(packed, ELEMENT, offset=HEADER)["value"]) for second, packed in cursor]
    points = np.full((len(rows), max((len(values) for _, values in rows), default=0)), np.nan)
    for row, (_, values) in zip(points, rows, strict=True):
        row[: len(values)] = values
    return np.asarray([second for second, _ in rows], dtype=np.int64), points


def _figures(column: Cells) -> Figures:
    known = column[~np.isnan(column)]
    if not len(known):
        return Figures()
    return Figures(float(known.sum()), len(known), float(known.min()), float(known.max()), float(known[-1]))


def _coarse(needs: Sequence[Need], end: int, slots: dict[str, int]) -> dict[Need, Figures | None]:
    if not needs:
        return {}
    pieces = {need: list(_pieces(end - need.ago_s - need.window_s, end - need.ago_s)) for need in needs}
    by_slot: dict[int, list[Cell]] = {}
    for slot, cell in cells(pieces, slots):
        by_slot.setdefault(slot, []).append(cell)
    found: dict[Need, Figures | None] = {}
    for need in needs:
        rows = np.asarray(sorted(by_slot.get(slots[need.name], ())), dtype=np.float64).reshape(-1, 6)
        inside = [
            (rows[:, 1] == piece.width) & (rows[:, 0] >= piece.start) & (rows[:, 0] < piece.end)
            for piece in pieces[need]
        ]
        found[need] = _summed(rows[np.any(inside, axis=0)])
    return _with_sketches(found, pieces, slots)


def _pieces(start: int, end: int) -> Iterator[Piece]:
    """Minutes; of a long window whole hours, with minutes at both ends."""
    first, last = start + -start % HOUR_S, end - end % HOUR_S
    if end - start < HOURLY_S:
        first = last = end
    for piece in (Piece(MINUTE_S, start, first), Piece(HOUR_S, first, last), Piece(MINUTE_S, last, end)):
        if piece.start < piece.end:
            yield piece


def cells(pieces: dict[Need, list[Piece]], slots: dict[str, int]) -> Iterator[tuple[int, Cell]]:
    """The slot and the cell of all minutes and hours in the pieces."""
    wanted = {slots[need.name] for need in pieces}
    for width, start, end in _ranges(pieces):
        if width == HOUR_S:
            hours = Hour.objects.filter(series_id__in=wanted, hour__gte=start, hour__lt=end)
            for slot, hour, *one in hours.values_list("series_id", "hour", "sum", "samples", "minimum", "maximum"):
                yield slot, (hour, HOUR_S, one[0], one[1], one[2], one[3])
            continue
        chunks = MinuteChunk.objects.filter(series_id__in=wanted, hour__gte=start - start % HOUR_S, hour__lt=end)
        for slot, hour, *arrays in chunks.values_list("series_id", "hour", "sums", "samples", "minima", "maxima"):
            for place, (total, n, least, most) in enumerate(zip(*arrays, strict=True)):
                if total is not None and start <= (minute := hour + place * MINUTE_S) < end:
                    yield slot, (minute, MINUTE_S, total, n, least, most)


def _ranges(pieces: dict[Need, list[Piece]]) -> list[tuple[int, int, int]]:
    """The widths and the stretches, none of them twice, that cover all pieces."""
    merged: list[tuple[int, int, int]] = []
    for width, start, end in sorted({(each.width, each.start, each.end) for some in pieces.values() for each in some}):
        if merged and merged[-1][0] == width and start <= merged[-1][2]:
            merged[-1] = width, merged[-1][1], max(end, merged[-1][2])
        else:
            merged.append((width, start, end))
    return merged


def _summed(rows: Cells) -> Figures:
    if not len(rows):
        return Figures()
    _, _, sums, samples, minima, maxima = rows.T
    last = float(sums[-1] / samples[-1]) if samples[-1] else None
    return Figures(float(sums.sum()), float(samples.sum()), float(minima.min()), float(maxima.max()), last)


def _with_sketches(
    found: dict[Need, Figures | None], pieces: dict[Need, list[Piece]], slots: dict[str, int]
) -> dict[Need, Figures | None]:
    """The same with durations for those that need them: all sketches are read and merged at once."""
    needs = [need for need, figures in found.items() if need.is_sketch and figures is not None]
    if not needs:
        return found
    rows = sketches({need: pieces[need] for need in needs}, slots)
    packs: list[bytes] = []
    owners: list[int] = []
    sums = [0.0] * len(needs)
    for owner, need in enumerate(needs):
        for piece in pieces[need]:
            for at, packed, seconds in rows.get((slots[need.name], piece.width), ()):
                if piece.start <= at < piece.end:
                    packs.append(packed)
                    owners.append(owner)
                    sums[owner] += seconds
    counts = table(packs, owners, len(needs))
    for owner, need in enumerate(needs):
        figures = found[need]
        assert figures is not None
        found[need] = replace(figures, buckets=counts[owner], seconds=sums[owner])
    return found


def sketches(
    pieces: dict[Need, list[Piece]], slots: dict[str, int]
) -> dict[tuple[int, int], list[tuple[int, bytes, float]]]:
    """By slot and width the start, the packed buckets and the summed durations of all sketches in the pieces."""
    wanted = {slots[need.name] for need in pieces}
    rows: dict[tuple[int, int], list[tuple[int, bytes, float]]] = {}
    for width, start, end in _ranges(pieces):
        some = LatencySketch.objects.filter(series_id__in=wanted, width=width, start__gte=start, start__lt=end)
        for slot, at, packed, seconds in some.values_list("series_id", "start", "packed", "seconds"):
            rows.setdefault((slot, width), []).append((at, bytes(packed), seconds))
    return rows
