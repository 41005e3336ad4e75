"""Brings back the jobs of workers that died: their lease ran out."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from memory.jobs.finish import retry
from memory.models import Job, JobState

LIMIT = 500


def sweep(*, attempts: int, now: datetime, limit: int = LIMIT) -> int:
    """Return jobs with an expired lease to the queue, or lay them to rest as dead; how many."""
    with transaction.atomic():
        stale = Job.objects.filter(state=JobState.RUNNING, lease_until__lte=now)
        jobs = list(stale.order_by("lease_until").select_for_update(skip_locked=True)[:limit])
        for job in jobs:
            retry(job, error="The worker stopped before the job was done.", attempts=attempts, now=now)
    return len(jobs)
