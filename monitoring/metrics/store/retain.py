"""Keeps each tier as long as it is promised: days of seconds are dropped as whole partitions, the rest in batches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.db import connection
from django.db.models import Model, QuerySet

from monitoring.models import Hour, LatencySketch, MinuteChunk, Process

DAY_S: Final = 86_400
SECONDS_S: Final = DAY_S
MINUTES_S: Final = 30 * DAY_S
HOURS_S: Final = 396 * DAY_S  # 13 months
SKETCHES_S: Final = {10: SECONDS_S, 60: MINUTES_S, 3600: HOURS_S}
BATCH: Final = 5_000
PREFIX: Final = "monitoring_second_"

PARTITIONS_SQL = """
SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'monitoring_second'::regclass ORDER BY 1
"""


def make_partitions(*, now: int) -> None:
    """Have the partitions of yesterday, today and tomorrow (UTC); `now` is in epoch seconds."""
    for day in (-1, 0, 1):
        start = now - now % DAY_S + day * DAY_S
        # numbers and a date of our own making: an identifier can't be a parameter
        _execute(
            f"CREATE TABLE IF NOT EXISTS {_name(start)} PARTITION OF monitoring_second "
            f"FOR VALUES FROM ({start}) TO ({start + DAY_S})"
        )


def prune(*, now: int) -> int:
    """Drop what is older than its tier keeps; how many partitions and rows went."""
    oldest = _name(now - SECONDS_S - now % DAY_S)
    gone = [name for name in partitions() if name < oldest]
    for name in gone:
        _execute(f"DROP TABLE IF EXISTS {name}")
    rows = _delete(MinuteChunk.objects.filter(hour__lt=now - MINUTES_S))
    rows += _delete(Hour.objects.filter(hour__lt=now - HOURS_S))
    for width, kept_s in SKETCHES_S.items():
        rows += _delete(LatencySketch.objects.filter(width=width, start__lt=now - kept_s))
    rows += _delete(Process.objects.filter(seen__lt=now - DAY_S))
    return len(gone) + rows


def partitions() -> list[str]:
    """The names of the days that there are, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS_SQL)
        return [name for (name,) in cursor.fetchall()]


def _name(second: int) -> str:
    return f"{PREFIX}{datetime.fromtimestamp(second, UTC):%Y%m%d}"


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _delete(rows: QuerySet[Model]) -> int:
    """Delete in batches, each its own statement, so that no lock is held for long."""
    deleted = 0
    while some := list(rows.values_list("pk", flat=True)[:BATCH]):
        deleted += rows.model._default_manager.filter(pk__in=some).delete()[0]
    return deleted
