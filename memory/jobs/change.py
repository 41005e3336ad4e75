"""What somebody does to a job by hand: cancel it, have it tried again, discard it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from memory.errors import ConflictError, NotFoundError
from memory.jobs.working.finish import remember
from memory.models import WAITING, Job, JobState
from monitoring import audit, metrics

ACTIONS = {"cancelled": "cancel", "retried": "retry", "discarded": "discard"}
TOLD = ("kind", "state", "attempts")  # to the audit log


def cancel(job: Job, *, actor: str, reason: str, now: datetime) -> Job:
    """Have a waiting job never run. Raises ConflictError in any other state: what runs can't be stopped halfway."""
    return _change(job, WAITING, "cancelled", actor, reason, now, state=JobState.CANCELLED, finished_at=now)


def retry(job: Job, *, actor: str, reason: str, now: datetime) -> Job:
    """Run a dead or cancelled job again, or a failed one now, with all its attempts. The door wakes the workers.

    Raises ConflictError in any other state, and when a job with the same key waits already.
    """
    states = (JobState.DEAD, JobState.CANCELLED, JobState.FAILED)
    fresh = {"state": JobState.PENDING, "attempts": 0, "available_at": now, "finished_at": None}
    return _change(job, states, "retried", actor, reason, now, **fresh)


def discard(job: Job, *, actor: str, reason: str, now: datetime) -> Job:
    """Give a dead job up: it is a dead letter no more. Raises ConflictError when it is not dead."""
    return _change(job, (JobState.DEAD,), "discarded", actor, reason, now, state=JobState.CANCELLED)


def _change(
    job: Job, states: Collection[str], event: str, actor: str, reason: str, now: datetime, **fields: Any
) -> Job:
    """Compare and swap: the row is locked, and changed only from one of `states`."""
    try:
        with transaction.atomic():
            found = Job.objects.select_for_update().filter(pk=job.pk).first()
            if found is None:
                raise NotFoundError(f"The job {job.pk} is gone.")
            if found.state not in states:
                wanted = " or ".join(states)
                raise ConflictError(f"The job is {found.state}; only one that is {wanted} can be {event}.")
            before = {name: getattr(found, name) for name in TOLD}
            for name, value in fields.items():
                setattr(found, name, value)
            remember(found, event=event, why=reason, by=actor, now=now)
            found.save(update_fields=[*fields, "history"])
            audit.record(
                actor=actor,
                action=f"job.{ACTIONS[event]}",
                subject=str(found.pk),
                before=before,
                after={name: getattr(found, name) for name in TOLD},
                reason=reason,
                at=now,
            )
    except IntegrityError:
        raise ConflictError(f"Another job of kind {job.kind} with the key {job.key!r} waits already.") from None
    metrics.count(f"jobs.{event}")
    return found
