"""Records figures of the past by the aggregator's own verbs, so that pages read what production would; once a run.

That takes seconds, so the rows are kept, and put back where the tables are empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.db import connection, transaction

from monitoring.metrics.blob import Blob
from monitoring.metrics.record import Delta
from monitoring.metrics.store.retain import make_partitions
from monitoring.metrics.store.rollup import roll_up
from monitoring.metrics.store.write import write
from monitoring.models import Hour, LatencySketch, MinuteChunk, Process, Second, Series, Total, Watermark

SEALED_S: Final = 4  # the last seconds are not complete yet
TABLES: Final = [
    model._meta.db_table for model in (Series, Second, MinuteChunk, Hour, LatencySketch, Process, Watermark, Total)
]
_kept: dict[str, tuple[int, list[bytes]]] = {}


def record_once(
    process: str, delta: Callable[[int], Delta], *, key: str, until: int, seconds: int, every_s: int
) -> None:
    """Have the tables hold what a process recorded in the `seconds` before `until`; `delta` is given how long ago.

    Where figures with this key were made before, only what has come since is written. Beside other figures all is,
    since they share series.
    """
    for moment in (until, until - seconds):
        make_partitions(now=moment)
    is_alone = not Series.objects.exists()
    start = until - seconds
    with transaction.atomic():
        if is_alone and key in _kept:
            start, rows = _kept[key]
            _put_back(rows)
        blobs = [Blob(process, at, at, delta(until - at)) for at in range(start, until - SEALED_S, every_s)]
        late = write([*blobs, Blob(process, until, until)], now=until).late_minutes
        roll_up(now=until, again=late)
        if is_alone and key not in _kept:
            _kept[key] = (until, [_rows(table) for table in TABLES])


def _rows(table: str) -> bytes:
    # of a query, since a partitioned table can't be copied as such
    with connection.cursor() as cursor, cursor.copy(f"COPY (SELECT * FROM {table}) TO STDOUT") as copy:
        return b"".join(copy)


def _put_back(rows: list[bytes]) -> None:
    with connection.cursor() as cursor:
        for table, text in zip(TABLES, rows, strict=True):
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(text)
