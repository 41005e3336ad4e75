"""Ends runs of claimed jobs: done in the transaction of their effects, or put back to wait. A late worker is fenced."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from memory.errors import ConflictError
from memory.jobs import kinds
from memory.jobs.kinds import Payload
from memory.models import Job, JobState, Priority
from monitoring import metrics

BACKOFF_S: Final = 2.0
BACKOFF_LIMIT_S: Final = 300.0
ERROR_LENGTH: Final = 500
HISTORY: Final = 50  # entries that a job keeps

# One look-up by primary key per job; a row whose claim is another's does not change, and so is missed in the count.
SUCCEED_SQL = """
UPDATE memory_job AS job
SET state = 'succeeded', result = done.result::jsonb, finished_at = %(now)s, error = '', claim = NULL,
  lease_until = NULL
FROM unnest(%(ids)s::uuid[], %(results)s::text[]) AS done (id, result)
WHERE job.id = done.id AND job.claim = %(token)s AND job.state = 'running' RETURNING job.priority
"""


class LostLeaseError(ConflictError):
    """Another worker has the jobs now; what this one did must be rolled back."""


def succeed(token: UUID, results: Mapping[UUID, dict[str, Any] | None], *, now: datetime) -> None:
    """Mark the jobs done, with their results. Call it inside the transaction that writes their effects.

    Raises LostLeaseError, so that the effects roll back, when the lease on any of them ran out and it was taken back.
    """
    arguments: dict[str, Any] = {
        "token": token,
        "now": now,
        "ids": list(results),
        "results": [None if result is None else orjson.dumps(result).decode() for result in results.values()],
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SUCCEED_SQL, arguments)
        priorities = [priority for (priority,) in cursor.fetchall()]
        if len(priorities) != len(results):
            raise LostLeaseError("The lease on these jobs ran out before they were done.")
    transaction.on_commit(lambda: _count("out", priorities))


def again(
    token: UUID,
    id: UUID,
    *,
    payload: Payload | dict[str, Any],
    result: dict[str, Any] | None,
    available_at: datetime,
    now: datetime,
) -> None:
    """Put a job back that did a part of its work. What failed before is forgiven: it got on.

    Call it inside the transaction of the part's effects. Raises LostLeaseError as `succeed` does.
    """
    with transaction.atomic():
        jobs = list(_held(token, [id]))
        if not jobs:
            raise LostLeaseError("The lease on this job ran out before its part was done.")
        job = jobs[0]
        job.payload = payload.model_dump(mode="json") if isinstance(payload, Payload) else payload
        job.state, job.result, job.attempts, job.error = JobState.PENDING, result, 0, ""
        job.available_at = available_at
        _put_back(jobs)


def fail(token: UUID, errors: Mapping[UUID, str], *, now: datetime) -> None:
    """Have each job that is still held wait out a backoff, or rest as dead after the attempts of its kind."""
    with transaction.atomic():
        jobs = list(_held(token, errors))
        for job in jobs:
            schedule(job, error=errors[job.pk], attempts=_attempts(job.kind), now=now)
        _put_back(jobs)
    count_failures(jobs)


def postpone(token: UUID, ids: Collection[UUID], *, until: datetime, now: datetime, why: str) -> None:
    """Put jobs back that were not tried; the attempt does not count. With a `why`, their history tells."""
    with transaction.atomic():
        jobs = list(_held(token, ids))
        for job in jobs:
            job.state, job.available_at = JobState.PENDING, until
            job.attempts = max(0, job.attempts - 1)
            if why:
                remember(job, event="postponed", why=why, now=now)
        _put_back(jobs)


def take_back(jobs: Sequence[Job], *, error: str, attempts: int, now: datetime) -> None:
    """End the runs of locked, running jobs whose worker is gone."""
    for job in jobs:
        schedule(job, error=error, attempts=attempts, now=now)
    _put_back(jobs)
    count_failures(jobs)


def schedule(job: Job, *, error: str, attempts: int, now: datetime) -> None:
    """Set on the instance what follows a failed run: the next try, or after `attempts` of them its death."""
    is_dead = job.attempts >= attempts
    job.state = JobState.DEAD if is_dead else JobState.FAILED
    job.finished_at = now if is_dead else None
    job.available_at = now if is_dead else now + backoff(job.attempts)
    job.error = (error.splitlines() or ["unknown"])[0][:ERROR_LENGTH]
    remember(job, event="died" if is_dead else "failed", why=job.error, now=now)


def remember(job: Job, *, event: str, why: str, now: datetime, by: str = "") -> None:
    """Add to the instance's history, which keeps the latest entries."""
    entry = {"at": now.isoformat(), "event": event, "why": why}
    job.history = [*job.history, entry | ({"by": by} if by else {})][-HISTORY:]


def backoff(attempt: int) -> timedelta:
    """Exponential with full jitter: uniform between 0 and 2, 4, 8 … seconds, at most 300.

    Source: M. Brooker, "Exponential backoff and jitter", AWS Architecture Blog, 2015.
    """
    most = min(BACKOFF_LIMIT_S, BACKOFF_S * 2.0 ** min(attempt - 1, 20))
    return timedelta(seconds=random.uniform(0, most))


def count_failures(jobs: Iterable[Job]) -> None:
    """Count ended runs by kind and priority."""
    for job in jobs:
        metrics.count(f"job.{job.kind}.errors")
        _count("dead" if job.state == JobState.DEAD else "failed", [job.priority])


def _held(token: UUID, ids: Collection[UUID]) -> QuerySet[Job]:
    return Job.objects.filter(pk__in=list(ids), claim=token, state=JobState.RUNNING).order_by("pk").select_for_update()


def _attempts(kind: str) -> int:
    most = int(settings.HOLDFAST_JOB_ATTEMPTS)
    return min(most, kinds.kind_of(kind).attempts) if kinds.is_known(kind) else most


CHANGED = ("state", "payload", "result", "error", "history", "attempts", "available_at", "finished_at")


def _put_back(jobs: Sequence[Job]) -> None:
    """Write locked jobs as they are now, without claim and lease."""
    for job in jobs:
        job.claim, job.lease_until = None, None
    keyless = [job for job in jobs if not job.key]
    Job.objects.bulk_update(keyless, [*CHANGED, "claim", "lease_until"])
    for job in jobs:
        if job.key:
            _put_back_keyed(job)


def _put_back_keyed(job: Job) -> None:
    try:
        with transaction.atomic():
            job.save(update_fields=[*CHANGED, "claim", "lease_until"])
    except IntegrityError:
        # the same was asked for while this one ran, and waits: only one that waits may have the key
        job.key = ""
        job.save(update_fields=["key", *CHANGED, "claim", "lease_until"])


def _count(what: str, priorities: Iterable[int]) -> None:
    for priority in priorities:
        metrics.count(f"queue.{Priority(priority).name.lower()}.{what}")
