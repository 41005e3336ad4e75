"""Takes all that waits for one user, for the length of a lease."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from memory.jobs.locks import try_lock_claims
from memory.models import Job, JobState

BATCH = 50  # jobs a claim takes at most, and
MESSAGES = 1000  # messages, unless one job alone has more: together they bound the work under one lease


@dataclass(frozen=True, slots=True)
class Claim:
    """Jobs of one user that this worker alone may finish, until the lease runs out."""

    token: uuid.UUID
    workspace_id: uuid.UUID
    user_id: str
    jobs: Sequence[Job]


def claim(
    *, workspace_id: uuid.UUID, user_id: str, now: datetime, lease: timedelta, limit: int = BATCH
) -> Claim | None:
    """Claim the user's pending jobs, most urgent and oldest first; None when there is nothing to do here.

    One worker at a time works for a user: the second finds the claim taken and leaves, and the first
    claims again when it is done, so nothing that arrived meanwhile is left behind.
    """
    with transaction.atomic():
        if not try_lock_claims(workspace_id, user_id):
            return None
        of_user = Job.objects.filter(workspace_id=workspace_id, user_id=user_id)
        if of_user.filter(state=JobState.RUNNING, lease_until__gt=now).exists():
            return None
        due = of_user.filter(state=JobState.PENDING, available_at__lte=now).order_by("priority", "id")
        jobs = _batch(list(due.select_for_update(skip_locked=True)[:limit]))
        if not jobs:
            return None
        token = uuid.uuid4()
        for job in jobs:
            job.attempts += 1
        Job.objects.bulk_update(jobs, ["attempts"])
        Job.objects.filter(pk__in=[job.pk for job in jobs]).update(
            state=JobState.RUNNING, claim=token, lease_until=now + lease, started_at=now
        )
    return Claim(token, workspace_id, user_id, jobs)


def _batch(jobs: list[Job]) -> list[Job]:
    """As many as fit, or a job that failed before alone: a poisoned job must not take others down with it."""
    if not jobs or jobs[0].attempts:
        return jobs[:1]
    batch: list[Job] = []
    messages = 0
    for job in jobs:
        messages += job.payload.get("last", 0) - job.payload.get("first", 0) + 1
        if job.attempts or (batch and messages > MESSAGES):
            break
        batch.append(job)
    return batch
