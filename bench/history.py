"""Thirty days of fifty series, written into the tiers in bulk: what pages are measured on. Part of `bench.monitoring`.

The figures rise and fall with the day, with noise. Seconds go ten minutes beyond now, so that pages that are asked
while the benchmark runs find the present; the hours go back 13 months.
"""

from __future__ import annotations

import math
import random
import time
from typing import Final

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from monitoring.metrics.sketch import Sketch, encode
from monitoring.metrics.store.retain import DAY_S, HOURS_S, MINUTES_S, make_partitions
from monitoring.metrics.store.rollup import HOUR_S, MINUTE_S
from monitoring.models import Process, Series, Total, Watermark

PRIORITIES: Final = ("critical", "high", "normal", "low", "bulk")
CACHES: Final = ("context", "conversation", "embedding", "response")
LATENCIES: Final = (
    *("requests", "operation.assemble_context", "operation.append_messages", "operation.search_memories"),
    *("operation.list_memories", "operation.overview", "operation.get_job", "job.process_messages"),
    *("database.queries", "cache.context.get", "cache.embedding.get", "provider.embed"),
    *("queue.high.wait", "queue.normal.wait", "batch.item"),
)
COUNTERS: Final = (
    *("requests.errors", "messages.posted", "operation.assemble_context.errors", "job.process_messages.errors"),
    *(f"cache.{name}.{what}" for name in CACHES for what in ("hits", "misses")),
    *(f"queue.{name}.{what}" for name in PRIORITIES for what in ("in", "out")),
)
GAUGES: Final = (
    *(f"queue.{name}" for name in PRIORITIES),
    *(f"queue.{name}.oldest_s" for name in PRIORITIES),
    *("queue.oldest_s", "queue.dead", "memories.active"),
)
AHEAD_S: Final = 600
SKETCHES: Final = 200  # different ones, drawn again and again
OBSERVED: Final = {10: 60, MINUTE_S: 300, HOUR_S: 3000, DAY_S: 72_000}  # per sketch of each width

# A daily wave, a level for each series, and noise. Arrays are written out, element by element: grouping rows into them
# takes PostgreSQL ten times as long.
WAVE: Final = "10 + 6 * sin({second} * 2 * pi() / 86400)"
SECONDS_SQL: Final = """
INSERT INTO monitoring_second (second, points)
SELECT second, ARRAY[{values}]::real[]
FROM (SELECT second, {wave} AS wave FROM generate_series(%(first)s::bigint, %(last)s) AS second) AS seconds
"""
MINUTES_SQL: Final = """
INSERT INTO monitoring_minutechunk (series_id, hour, sums, samples, minima, maxima)
SELECT slot, hour, line, array_fill(60.0::float8, ARRAY[60]), line, line
FROM (
  SELECT slot, hour, ARRAY[{values}]::float8[] AS line
  FROM (
    SELECT slot, hour, (1 + mod(slot, 7)) * 60 * ({wave}) AS wave
    FROM generate_series(%(first)s::bigint, %(last)s, 3600) AS hour, generate_series(1, %(slots)s) AS slot
  ) AS hours
) AS chunks
"""
HOURS_SQL: Final = """
INSERT INTO monitoring_hour (series_id, hour, sum, samples, minimum, maximum)
SELECT slot, hour, value * 3600, 3600, value * 0.5, value * 1.5
FROM (
  SELECT slot, hour, (1 + mod(slot, 7)) * ({wave} + 4 * random()) AS value
  FROM generate_series(%(first)s::bigint, %(last)s, 3600) AS hour, generate_series(1, %(slots)s) AS slot
) AS hours
"""
EMPTY_SQL: Final = """
TRUNCATE monitoring_series, monitoring_second, monitoring_process, monitoring_watermark CASCADE
"""
KEYS_SQL: Final = """
SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint
WHERE contype = 'f' AND confrelid = 'monitoring_series'::regclass
"""
STOCK_SQL: Final = "CREATE TEMP TABLE bench_sketch (width int, number int, seconds float8, packed bytea)"
COPY_SQL: Final = "COPY bench_sketch (width, number, seconds, packed) FROM STDIN"
SKETCHES_SQL: Final = """
INSERT INTO monitoring_latencysketch (series_id, width, start, seconds, packed)
SELECT slot, stock.width, start, stock.seconds, stock.packed
FROM generate_series(%(first)s::bigint, %(last)s, %(width)s) AS start, generate_series(1, %(latencies)s) AS slot
JOIN bench_sketch AS stock ON TRUE
WHERE stock.width = %(width)s AND stock.number = (start / %(width)s * 31 + slot * 17) %% %(kinds)s
"""


def generate(*, now: int) -> float:
    """Write it all in place of what is there; the seconds that took. `now` is in epoch seconds."""
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(EMPTY_SQL)
    names = [(name, "latency") for name in LATENCIES]
    names += [(name, "counter") for name in COUNTERS] + [(name, "gauge") for name in GAUGES]
    Series.objects.bulk_create(Series(slot=n, name=name, kind=kind) for n, (name, kind) in enumerate(names, start=1))
    for day in (now - DAY_S, now, now + DAY_S):
        make_partitions(now=day)
    hour = now - now % HOUR_S
    with transaction.atomic(), connection.cursor() as cursor:
        # whole and right by the way it is made: neither compiled nor checked row by row
        cursor.execute("SET LOCAL jit = off")
        cursor.execute(KEYS_SQL)
        for table, name in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        _write_points(cursor, len(names), now, hour)
        cursor.execute(STOCK_SQL)
        with cursor.copy(COPY_SQL) as copy:
            for row in _stock():
                copy.write_row(row)
        sketches = (
            *((10, DAY_S, now + AHEAD_S), (60, MINUTES_S, now), (HOUR_S, HOURS_S, hour - HOUR_S)),
            (DAY_S, HOURS_S, now - now % DAY_S - DAY_S),
        )
        for width, kept_s, until in sketches:
            first = now - now % width - kept_s
            span = {"first": first, "last": until, "width": width, "latencies": len(LATENCIES), "kinds": SKETCHES}
            cursor.execute(SKETCHES_SQL, span)
    _finish(now)
    return time.perf_counter() - began


def _write_points(cursor: CursorWrapper, series: int, now: int, hour: int) -> None:
    seconds = ", ".join(f"{1 + slot % 7} * (wave + 4 * random())" for slot in range(1, series + 1))
    minutes = ", ".join(["wave * (0.8 + 0.4 * random())"] * 60)
    for statement, values, base, first, last in (
        (SECONDS_SQL, seconds, "second", now - DAY_S, now + AHEAD_S),
        (MINUTES_SQL, minutes, "hour", hour - MINUTES_S, hour),
        (HOURS_SQL, "", "hour", hour - HOURS_S, hour - HOUR_S),
    ):
        written = statement.format(values=values, wave=WAVE.format(second=base))
        cursor.execute(written, {"first": first, "last": last, "slots": series})


def keep_alive(*, now: int) -> None:
    """Sixteen processes have just reported."""
    Process.objects.bulk_create(
        [Process(name=f"bench:{n}:x", sequence=now, seen=now) for n in range(16)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["sequence", "seen"],
    )


def _finish(now: int) -> None:
    Watermark.objects.update_or_create(pk=Watermark.ONLY, defaults={"sealed_until": now - now % MINUTE_S})
    whole = encode(_sketch(random.Random(1), 20_000).buckets)
    Total.objects.bulk_create(
        Total(series=series, since=now - MINUTES_S, value=20_000, packed=whole if series.kind == "latency" else b"")
        for series in Series.objects.exclude(kind="gauge")
    )
    keep_alive(now=now)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _stock() -> list[tuple[int, int, float, bytes]]:
    """Sketches of log-normal durations, as services have them."""
    chance = random.Random(7)
    rows = []
    for width, observed in OBSERVED.items():
        for number in range(SKETCHES):
            sketch = _sketch(chance, observed)
            rows.append((width, number, sketch.seconds, encode(sketch.buckets)))
    return rows


def _sketch(chance: random.Random, observed: int) -> Sketch:
    middle = math.log(0.006 * chance.uniform(0.7, 1.5))
    return Sketch.of(chance.lognormvariate(middle, 0.9) for _ in range(observed))
