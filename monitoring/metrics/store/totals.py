"""Adds blobs to the totals of their series, which are never pruned: what Prometheus takes the differences of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitoring.metrics.blob import Blob
from monitoring.metrics.record import Kind
from monitoring.metrics.sketch import Sketch, decode, encode
from monitoring.models import Total

Slots = Mapping[tuple[str, Kind], int]


def add(blobs: Sequence[Blob], slots: Slots) -> None:
    """To be called in the transaction that stores the blobs, by whoever holds the watermark's row."""
    counts, sketches = _summed(blobs, slots)
    known = Total.objects.in_bulk([*counts, *sketches])
    since = min(blob.second for blob in blobs)
    totals = [known.get(slot) or Total(series_id=slot, since=since) for slot in (*counts, *sketches)]
    for total in totals:
        _grow(total, counts.get(total.series_id, 0.0), sketches.get(total.series_id))
    changed = ["value", "seconds", "packed"]
    Total.objects.bulk_create(totals, update_conflicts=True, unique_fields=["series"], update_fields=changed)


def _summed(blobs: Sequence[Blob], slots: Slots) -> tuple[dict[int, float], dict[int, Sketch]]:
    counts: dict[int, float] = {}
    sketches: dict[int, Sketch] = {}
    for blob in blobs:
        for name, by in blob.delta.counters.items():
            if (slot := slots.get((name, Kind.COUNTER))) is not None:
                counts[slot] = counts.get(slot, 0.0) + by
        for name, sketch in blob.delta.latencies.items():
            if (slot := slots.get((name, Kind.LATENCY))) is not None:
                sketches.setdefault(slot, Sketch()).merge(sketch)
    return counts, sketches


def _grow(total: Total, by: float, sketch: Sketch | None) -> None:
    if sketch is None:
        total.value += by
        return
    whole = Sketch(decode(bytes(total.packed)), total.seconds)
    whole.merge(sketch)
    total.value, total.seconds, total.packed = whole.count, whole.seconds, encode(whole.buckets)
