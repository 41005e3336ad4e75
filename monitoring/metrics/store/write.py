"""Puts blobs into the seconds and the ten-second sketches: each blob once, all in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db import connection, transaction
from django.db.models import Max

from monitoring.metrics.blob import Blob
from monitoring.metrics.record import Kind
from monitoring.metrics.sketch import Sketch, decode, encode
from monitoring.metrics.store import slowest, totals
from monitoring.models import LatencySketch, Process, Series, Watermark

SKETCH_S: Final = 10  # width of the narrowest sketches
PAST_S: Final = 12 * 3600  # a blob older than this, and
AHEAD_S: Final = 60  # one further ahead than this, comes from a wrong clock: it is left out

SECOND_SQL = "SELECT points FROM monitoring_second WHERE second = %s FOR UPDATE"
UPSERT_SQL = """
INSERT INTO monitoring_second (second, points) VALUES (%s, %s::real[])
ON CONFLICT (second) DO UPDATE SET points = EXCLUDED.points
"""


@dataclass(slots=True)
class Written:
    """What became of a batch of blobs."""

    fresh: int = 0
    repeated: int = 0
    misdated: int = 0
    late: int = 0  # blobs of minutes that were sealed before
    late_minutes: set[int] = field(default_factory=set)  # sealed minutes that changed, as epoch seconds


def write(blobs: Sequence[Blob], *, now: int) -> Written:
    """Merge the blobs in; `now` is in epoch seconds. A blob whose sequence its process has passed changes nothing."""
    with transaction.atomic():
        # whoever holds this row stores: an old aggregator that wakes up late waits, and then finds its blobs known
        mark = Watermark.objects.select_for_update().get_or_create(
            pk=Watermark.ONLY, defaults={"sealed_until": now - now % 60}
        )[0]
        written = Written()
        fresh = list(_unseen(blobs, now, written))
        if fresh:
            slots = _slots(fresh)
            for second, of_second in _by_second(fresh).items():
                _merge_second(second, of_second, slots)
                if second < mark.sealed_until:
                    written.late += len(of_second)
                    written.late_minutes.add(second - second % 60)
            _merge_sketches(fresh, slots)
            totals.add(fresh, slots)
            slowest.store(fresh)
    return written


def _unseen(blobs: Sequence[Blob], now: int, written: Written) -> Iterable[Blob]:
    """The blobs that are new, with their processes' marks moved past them."""
    names = {blob.process for blob in blobs}
    known = {row.name: row for row in Process.objects.select_for_update().filter(name__in=names)}
    for blob in blobs:
        row = known.setdefault(blob.process, Process(name=blob.process, sequence=0, seen=blob.second))
        if blob.sequence <= row.sequence:
            written.repeated += 1
            continue
        row.sequence, row.seen, row.has_ended = blob.sequence, min(blob.second, now), blob.is_last
        if now - PAST_S <= blob.second <= now + AHEAD_S:
            written.fresh += 1
            yield blob
        else:
            written.misdated += 1
    changed = ["sequence", "seen", "has_ended"]
    Process.objects.bulk_create(known.values(), update_conflicts=True, unique_fields=["name"], update_fields=changed)


def _slots(blobs: Iterable[Blob]) -> dict[tuple[str, Kind], int]:
    """The slot of each series that the blobs name, made where it is new. A name keeps its first kind."""
    wanted: dict[str, Kind] = {}
    for blob in blobs:
        wanted |= dict.fromkeys(blob.delta.latencies, Kind.LATENCY)
        wanted |= dict.fromkeys(blob.delta.counters, Kind.COUNTER)
        wanted |= dict.fromkeys(blob.delta.gauges, Kind.GAUGE)
    known = {row.name: row for row in Series.objects.filter(name__in=wanted)}
    last = Series.objects.aggregate(Max("slot"))["slot__max"] or 0
    new = [name for name in sorted(wanted) if name not in known]
    made = [Series(slot=last + n, name=name, kind=wanted[name]) for n, name in enumerate(new, start=1)]
    Series.objects.bulk_create(made)
    return {(row.name, Kind(row.kind)): row.slot for row in (*known.values(), *made)}


def _by_second(blobs: Iterable[Blob]) -> dict[int, list[Blob]]:
    grouped: dict[int, list[Blob]] = {}
    for blob in blobs:
        grouped.setdefault(blob.second, []).append(blob)
    return grouped


def _merge_second(second: int, blobs: Sequence[Blob], slots: dict[tuple[str, Kind], int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SECOND_SQL, [second])
        row = cursor.fetchone()
        points: list[float | None] = list(row[0]) if row else []
        for blob in blobs:
            _add(points, blob, slots)
        if points:
            cursor.execute(UPSERT_SQL, [second, points])


def _add(points: list[float | None], blob: Blob, slots: dict[tuple[str, Kind], int]) -> None:
    delta = blob.delta
    counts = {name: sketch.count for name, sketch in delta.latencies.items()}
    _put(points, counts, Kind.LATENCY, slots)
    _put(points, delta.counters, Kind.COUNTER, slots)
    _put(points, delta.gauges, Kind.GAUGE, slots)


def _put(
    points: list[float | None], figures: Mapping[str, float], kind: Kind, slots: dict[tuple[str, Kind], int]
) -> None:
    """Sums add up; of a gauge the last value of the second stays. A name that is another kind's is left out."""
    for name, value in figures.items():
        if slot := slots.get((name, kind)):
            points.extend([None] * (slot - len(points)))
            before = 0.0 if kind is Kind.GAUGE else points[slot - 1] or 0.0
            points[slot - 1] = before + float(value)


def _merge_sketches(blobs: Iterable[Blob], slots: dict[tuple[str, Kind], int]) -> None:
    more: dict[tuple[int, int], Sketch] = {}
    for blob in blobs:
        for name, sketch in blob.delta.latencies.items():
            if slot := slots.get((name, Kind.LATENCY)):
                more.setdefault((slot, blob.second - blob.second % SKETCH_S), Sketch()).merge(sketch)
    starts = {start for _, start in more}
    kept = LatencySketch.objects.filter(width=SKETCH_S, start__in=starts, series_id__in={slot for slot, _ in more})
    for row in kept:
        if (whole := more.get((row.series_id, row.start))) is not None:
            whole.merge(Sketch(decode(bytes(row.packed)), row.seconds))
    save_sketches(SKETCH_S, more)


def save_sketches(width: int, sketches: dict[tuple[int, int], Sketch]) -> None:
    """Store sketches by (slot, start), in place of what is stored there."""
    rows = [
        LatencySketch(series_id=slot, width=width, start=start, seconds=sketch.seconds, packed=encode(sketch.buckets))
        for (slot, start), sketch in sketches.items()
        if sketch.buckets
    ]
    LatencySketch.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["series", "width", "start"], update_fields=["seconds", "packed"]
    )
