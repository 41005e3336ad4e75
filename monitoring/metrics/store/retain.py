"""Keeps each tier as long as it is promised: days of seconds are dropped as whole partitions, the rest in batches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet

from monitoring.models import Hour, LatencySketch, MinuteChunk, Process, SlowRequest

DAY_S: Final = 86_400
SECONDS_S: Final = DAY_S
MINUTES_S: Final = 30 * DAY_S
HOURS_S: Final = 396 * DAY_S  # 13 months
SKETCHES_S: Final = {10: SECONDS_S, 60: MINUTES_S, 3600: HOURS_S, DAY_S: HOURS_S}
WIDTHS: Final = {10: "10 s", 60: "1 min", 3600: "1 h", DAY_S: "1 d"}
BATCH: Final = 5_000
PREFIX: Final = "monitoring_second_"

PARTITIONS_SQL = """
SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'monitoring_second'::regclass ORDER BY 1
"""
SIZE_SQL = "SELECT count(*), coalesce(sum(pg_column_size(past.*)), 0) FROM ({}) AS past"


@dataclass(frozen=True, slots=True)
class Past:
    """What a tier has beyond what it keeps. Of rows `size` is what they hold, of partitions what they take on disk."""

    tier: str
    kept_s: int
    rows: int
    size: int
    partitions: tuple[str, ...] = ()


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
    gone = _old_partitions(now)
    for name in gone:
        _execute(f"DROP TABLE IF EXISTS {name}")
    return len(gone) + sum(_delete(rows) for _, _, rows in _tiers(now))


def past(*, now: int) -> list[Past]:
    """What `prune` would drop, tier by tier; nothing is changed."""
    names = _old_partitions(now)
    sizes = [_sized(f"SELECT * FROM {name}", ()) for name in names]
    seconds = Past("seconds", SECONDS_S, sum(n for n, _ in sizes), sum(map(_on_disk, names)), tuple(names))
    return [seconds, *(Past(tier, kept_s, *_sized(*_statement(rows))) for tier, kept_s, rows in _tiers(now))]


def partitions() -> list[str]:
    """The names of the days that there are, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS_SQL)
        return [name for (name,) in cursor.fetchall()]


def _tiers(now: int) -> list[tuple[str, int, QuerySet[Any]]]:
    """The name of each tier that is pruned by rows, for how long it keeps them, and those that are older."""
    month_ago = datetime.fromtimestamp(now - MINUTES_S, UTC)
    return [
        ("minutes", MINUTES_S, MinuteChunk.objects.filter(hour__lt=now - MINUTES_S)),
        ("hours", HOURS_S, Hour.objects.filter(hour__lt=now - HOURS_S)),
        *(
            (f"sketches of {WIDTHS[width]}", kept_s, LatencySketch.objects.filter(width=width, start__lt=now - kept_s))
            for width, kept_s in SKETCHES_S.items()
        ),
        ("slow requests", MINUTES_S, SlowRequest.objects.filter(at__lt=month_ago)),
        ("processes", DAY_S, Process.objects.filter(seen__lt=now - DAY_S)),
    ]


def _old_partitions(now: int) -> list[str]:
    oldest = _name(now - SECONDS_S - now % DAY_S)
    return [name for name in partitions() if name < oldest]


def _name(second: int) -> str:
    return f"{PREFIX}{datetime.fromtimestamp(second, UTC):%Y%m%d}"


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _statement(rows: QuerySet[Any]) -> tuple[str, tuple[Any, ...]]:
    statement, parameters = rows.order_by().query.sql_with_params()
    return statement, tuple(parameters)


def _sized(statement: str, parameters: tuple[Any, ...]) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(SIZE_SQL.format(statement), parameters)
        rows, size = cursor.fetchone()
    return int(rows), int(size)


def _on_disk(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(%s::regclass)", [name])
        (size,) = cursor.fetchone()
    return int(size)


def _delete(rows: QuerySet[Any]) -> int:
    """Delete in batches, each its own statement, so that no lock is held for long."""
    deleted = 0
    while some := list(rows.values_list("pk", flat=True)[:BATCH]):
        deleted += rows.model._default_manager.filter(pk__in=some).delete()[0]
    return deleted
