"""Keeps the slowest requests and jobs of each minute, of all processes together."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from django.db import connection

from monitoring.metrics.blob import Blob
from monitoring.metrics.record import NAME
from monitoring.models import SlowRequest
from monitoring.tracing.slow import A_MINUTE, MINUTE_S, OF_OPERATION, Slow

# A minute has a few dozen rows at most before this: the index of `at` finds them.
KEEP_SQL = """
DELETE FROM monitoring_slowrequest WHERE at >= %(start)s AND at < %(end)s AND id NOT IN (
  SELECT id FROM (
    SELECT id, seconds, row_number() OVER (PARTITION BY operation ORDER BY seconds DESC, id) AS place
    FROM monitoring_slowrequest WHERE at >= %(start)s AND at < %(end)s
  ) AS ranked WHERE place <= %(of_operation)s ORDER BY seconds DESC, id LIMIT %(a_minute)s
)
"""
LENGTHS: Final = {"method": 8, "trace_id": 32, "request_id": 64, "job_id": 36}


def store(blobs: Iterable[Blob]) -> None:
    """Store what the blobs carry, in the transaction that stores the rest of them, and keep the slowest of each."""
    rows = [_row(slow) for blob in blobs for slow in blob.slow if NAME.fullmatch(slow.operation)]
    if not rows:
        return
    SlowRequest.objects.bulk_create(rows)
    for minute in sorted({int(row.at.timestamp()) // MINUTE_S for row in rows}):
        start, end = (datetime.fromtimestamp(edge * MINUTE_S, UTC) for edge in (minute, minute + 1))
        with connection.cursor() as cursor:
            bounds: dict[str, datetime | int] = {
                "start": start,
                "end": end,
                "of_operation": OF_OPERATION,
                "a_minute": A_MINUTE,
            }
            cursor.execute(KEEP_SQL, bounds)


def _row(slow: Slow) -> SlowRequest:
    ids = {name: getattr(slow, name)[:length] for name, length in LENGTHS.items()}
    return SlowRequest(
        at=datetime.fromtimestamp(slow.at, UTC),
        operation=slow.operation,
        status=slow.status,
        is_failed=slow.is_failed,
        seconds=slow.seconds,
        parts={part: [round(seconds, 6), n] for part, (seconds, n) in slow.parts.items()},
        **ids,
    )
