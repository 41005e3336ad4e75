"""Brings back the jobs of workers that died, whose lease ran out; removes those that were finished long ago."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from memory.jobs.working.finish import take_back
from memory.models import Job, JobState

LIMIT: Final = 500
PRUNED: Final = 1000

# The primary key is in order of creation, so the oldest jobs come first and the walk stops at the first that is young.
PRUNE_SQL = """
WITH old AS (
  SELECT id FROM memory_job
  WHERE id < %(before)s AND state IN ('succeeded', 'cancelled', 'dead') AND finished_at < %(at)s
  ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), outputs AS (
  DELETE FROM memory_joboutput WHERE job_id IN (SELECT id FROM old)
)
DELETE FROM memory_job WHERE id IN (SELECT id FROM old)
"""


def sweep(*, attempts: int, now: datetime, limit: int = LIMIT) -> int:
    """Return jobs with an expired lease to the queue, or lay them to rest as dead; how many.

    A death counts as an attempt, so that a job that kills its workers ends; but not by its kind's own bound.
    """
    with transaction.atomic():
        stale = Job.objects.filter(state=JobState.RUNNING, lease_until__lte=now)
        jobs = list(stale.order_by("lease_until").select_for_update(skip_locked=True)[:limit])
        take_back(jobs, error="The worker stopped before the job was done.", attempts=attempts, now=now)
    return len(jobs)


def prune(*, now: datetime, keep: timedelta, limit: int = PRUNED) -> int:
    """Delete at most `limit` jobs that ended longer than `keep` ago, with their output; how many."""
    arguments: dict[str, Any] = {"before": _first_id(now - keep), "at": now - keep, "limit": limit}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PRUNE_SQL, arguments)
        return int(cursor.rowcount)


def _first_id(at: datetime) -> str:
    """The smallest UUIDv7 of that moment (RFC 9562 §5.7): what was made before has a smaller one."""
    stamp = f"{int(at.timestamp() * 1000):012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7000-8000-000000000000"
