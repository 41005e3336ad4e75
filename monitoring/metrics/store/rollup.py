"""Makes minutes of seconds, then hours and days: recomputed whole, so that doing it again changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from django.db import connection, transaction

from monitoring.metrics.sketch import Sketch, decode
from monitoring.metrics.store.write import SKETCH_S, save_sketches
from monitoring.models import Hour, LatencySketch, MinuteChunk, Watermark

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86_400
SEAL_AFTER_S: Final = 3  # a second is complete when each process has had this long to send it
PAUSE_S: Final = DAY_S  # rolled up in one go, at most

MINUTES_SQL = "SELECT DISTINCT second / %s * %s FROM monitoring_second WHERE second >= %s AND second < %s"
MINUTE_SQL = """
SELECT point.slot, sum(point.value), count(point.value), min(point.value), max(point.value)
FROM monitoring_second, unnest(points) WITH ORDINALITY AS point (value, slot)
WHERE second >= %s AND second < %s AND point.value IS NOT NULL
GROUP BY point.slot
"""
FIGURES: Final = ("sums", "samples", "minima", "maxima")


def roll_up(*, now: int, again: Iterable[int] = ()) -> int:
    """Seal what is complete at `now` (epoch seconds), and redo the minutes in `again`; the watermark.

    After a pause longer than a day the rest is done by the next calls.
    """
    with transaction.atomic():
        redo(set(again))
        mark = Watermark.objects.select_for_update().filter(pk=Watermark.ONLY).first()
        if mark is None:
            return 0  # nothing is stored yet
        ready = (now - SEAL_AFTER_S) // MINUTE_S * MINUTE_S
        until = min(ready, mark.sealed_until + PAUSE_S)
        if until > mark.sealed_until:
            hours, days = (_whole(width, mark.sealed_until, until) for width in (HOUR_S, DAY_S))
            _roll(_minutes_between(mark.sealed_until, until), hours, days)
            mark.sealed_until = until
            mark.save(update_fields=["sealed_until"])
    return mark.sealed_until


def redo(minutes: Collection[int]) -> None:
    """Roll up sealed minutes (epoch seconds), their hours and days again: more has come for their seconds."""
    if minutes:
        with transaction.atomic():
            mark = Watermark.objects.select_for_update().get(pk=Watermark.ONLY)
            hours, days = (
                [
                    start
                    for start in {minute - minute % width for minute in minutes}
                    if start + width <= mark.sealed_until
                ]
                for width in (HOUR_S, DAY_S)
            )
            _roll(minutes, hours, days)


def _roll(minutes: Iterable[int], hours: Iterable[int], days: Iterable[int]) -> None:
    for minute in sorted(minutes):
        _roll_minute(minute)
    for hour in sorted(hours):
        _roll_hour(hour)
    for day in sorted(days):
        _merge_sketches(HOUR_S, DAY_S, day)


def _minutes_between(start: int, until: int) -> list[int]:
    """The minutes that have a second: after a pause most have none."""
    with connection.cursor() as cursor:
        cursor.execute(MINUTES_SQL, [MINUTE_S, MINUTE_S, start, until])
        return [minute for (minute,) in cursor.fetchall()]


def _whole(width: int, start: int, until: int) -> range:
    """The hours or days that are complete at `until` and were not at `start`."""
    return range(start - start % width, until - until % width, width)


def _roll_minute(minute: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MINUTE_SQL, [minute, minute + MINUTE_S])
        figures = {int(slot): values for slot, *values in cursor.fetchall()}
    hour, place = minute - minute % HOUR_S, minute % HOUR_S // MINUTE_S
    chunks = {row.series_id: row for row in MinuteChunk.objects.filter(hour=hour, series_id__in=figures)}
    for slot, values in figures.items():
        chunk = chunks.setdefault(
            slot, MinuteChunk(series_id=slot, hour=hour, **{name: [None] * 60 for name in FIGURES})
        )
        for name, value in zip(FIGURES, values, strict=True):
            getattr(chunk, name)[place] = float(value)
    MinuteChunk.objects.bulk_create(
        chunks.values(), update_conflicts=True, unique_fields=["series", "hour"], update_fields=FIGURES
    )
    _merge_sketches(SKETCH_S, MINUTE_S, minute)


def _roll_hour(hour: int) -> None:
    rows = [row for chunk in MinuteChunk.objects.filter(hour=hour) if (row := _hour(chunk)) is not None]
    changed = ["sum", "samples", "minimum", "maximum"]
    Hour.objects.bulk_create(rows, update_conflicts=True, unique_fields=["series", "hour"], update_fields=changed)
    _merge_sketches(MINUTE_S, HOUR_S, hour)


def _hour(chunk: MinuteChunk) -> Hour | None:
    figures = {name: [value for value in getattr(chunk, name) if value is not None] for name in FIGURES}
    if not figures["sums"]:
        return None
    return Hour(
        series_id=chunk.series_id,
        hour=chunk.hour,
        sum=sum(figures["sums"]),
        samples=sum(figures["samples"]),
        minimum=min(figures["minima"]),
        maximum=max(figures["maxima"]),
    )


def _merge_sketches(narrow: int, wide: int, start: int) -> None:
    """One sketch of each series for [start, start + wide), merged from its sketches of width `narrow`."""
    merged: dict[tuple[int, int], Sketch] = {}
    for row in LatencySketch.objects.filter(width=narrow, start__gte=start, start__lt=start + wide):
        merged.setdefault((row.series_id, start), Sketch()).merge(Sketch(decode(bytes(row.packed)), row.seconds))
    save_sketches(wide, merged)
