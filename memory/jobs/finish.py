"""Ends a claim: done in the transaction of its effects, or failed and to be tried again."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from memory.errors import ConflictError
from memory.jobs.claim import Claim
from memory.models import Job, JobState
from monitoring import metrics

BACKOFF_S, BACKOFF_LIMIT_S = 2.0, 300.0


class LostLeaseError(ConflictError):
    """Another worker has the jobs now; what this one did must be rolled back."""


def succeed(claim: Claim, *, results: dict[UUID, dict[str, Any]], now: datetime) -> None:
    """Mark every job of the claim done. Call it inside the transaction that writes their effects.

    Raises LostLeaseError, so that the effects roll back, when the lease ran out and others took the jobs.
    """
    held = list(_held(claim).select_for_update().values_list("pk", flat=True))
    if len(held) != len(claim.jobs):
        raise LostLeaseError("The lease on these jobs ran out before they were done.")
    for job in claim.jobs:
        job.state, job.result, job.finished_at = JobState.SUCCEEDED, results.get(job.pk), now
        job.error, job.claim, job.lease_until = "", None, None
    Job.objects.bulk_update(claim.jobs, ["state", "result", "finished_at", "error", "claim", "lease_until"])


def fail(claim: Claim, *, error: str, attempts: int, now: datetime) -> None:
    """Put the claim's jobs back to wait out a backoff, or to rest as dead after `attempts` tries."""
    with transaction.atomic():
        for job in _held(claim).select_for_update():
            retry(job, error=error, attempts=attempts, now=now)


def retry(job: Job, *, error: str, attempts: int, now: datetime) -> None:
    """Schedule the next try of a locked, running job; dead when there were `attempts` of them."""
    dead = job.attempts >= attempts
    job.state = JobState.DEAD if dead else JobState.PENDING
    job.finished_at = now if dead else None
    job.available_at = now + backoff(job.attempts)
    job.error, job.claim, job.lease_until, job.hinted_at = error[:500], None, None, None
    job.save(update_fields=["state", "finished_at", "available_at", "error", "claim", "lease_until", "hinted_at"])
    metrics.count(f"job.{job.kind}.errors")


def backoff(attempt: int) -> timedelta:
    """Exponential with full jitter: uniform between 0 and 2, 4, 8 … seconds, at most 300.

    Source: M. Brooker, "Exponential backoff and jitter", AWS Architecture Blog, 2015.
    """
    return timedelta(seconds=random.uniform(0, min(BACKOFF_LIMIT_S, BACKOFF_S * 2 ** (attempt - 1))))


def _held(claim: Claim) -> QuerySet[Job]:
    return Job.objects.filter(pk__in=[job.pk for job in claim.jobs], claim=claim.token, state=JobState.RUNNING)
