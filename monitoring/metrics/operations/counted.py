"""The sums of many counters over a span, from the widest tiers that hold it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection

from monitoring.metrics.operations.pieces import FIGURES, Piece, Tiers, tiers
from monitoring.metrics.ranges import Span
from monitoring.models import Series

HOURS_SQL = """
SELECT series_id, sum(sum) FROM monitoring_hour WHERE hour >= %s AND hour < %s AND series_id = ANY (%s) GROUP BY 1
"""
MINUTES_SQL = """
SELECT series_id, sum(value) FROM monitoring_minutechunk, unnest(sums) WITH ORDINALITY AS minute (value, place)
WHERE hour >= %s - 3540 AND hour < %s AND series_id = ANY (%s) AND hour + (place - 1) * 60 >= %s
  AND hour + (place - 1) * 60 < %s
GROUP BY 1
"""
# Of the wide seconds only the wanted places are read: unnesting all of them takes six times as long.
SECONDS_SQL = "SELECT {columns} FROM monitoring_second WHERE second >= %s AND second < %s"
AT_ONCE = 800  # slots in one statement: PostgreSQL answers with at most 1,664 columns


def counted(names: Sequence[str], span: Span, *, reach: Tiers | None = None) -> dict[str, float]:
    """The sum of each counter over a span, or the number of observations; 0 where there is nothing."""
    slots = dict(Series.objects.filter(name__in=names).values_list("slot", "name"))
    sums = dict.fromkeys(names, 0.0)
    if not slots:
        return sums
    reach = reach or tiers()
    start, end = int(span.start.timestamp()), int(span.end.timestamp())
    for piece in reach.pieces(start, end, reach.fitting(FIGURES, start=start, step_s=None)):
        for slot, value in _summed(piece, list(slots)):
            sums[slots[slot]] += value or 0.0
    return sums


def _summed(piece: Piece, slots: list[int]) -> Iterable[tuple[int, float | None]]:
    bounds = (piece.start, piece.end)
    with connection.cursor() as cursor:
        if piece.width == FIGURES[0]:
            cursor.execute(HOURS_SQL, [*bounds, slots])
        elif piece.width == FIGURES[1]:
            cursor.execute(MINUTES_SQL, [*bounds, slots, *bounds])
        else:
            return [each for n in range(0, len(slots), AT_ONCE) for each in _seconds(piece, slots[n : n + AT_ONCE])]
        return list(cursor.fetchall())


def _seconds(piece: Piece, slots: list[int]) -> Iterable[tuple[int, float | None]]:
    # numbers of our own making: a place in an array can be a parameter, but each would be sent twice
    columns = ", ".join(f"sum(points[{slot}]::float8)" for slot in slots)
    with connection.cursor() as cursor:
        cursor.execute(SECONDS_SQL.format(columns=columns), [piece.start, piece.end])
        return zip(slots, cursor.fetchone(), strict=True)
