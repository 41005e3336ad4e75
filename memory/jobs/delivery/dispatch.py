"""The tick that repairs what hints missed: the broker was away or lost them, a backoff ended, a worker died."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from memory.jobs import figures
from memory.jobs.delivery import hints, sweep

HINTS: Final = 4  # for one priority in one tick
FULL: Final = 100  # messages in the broker's queue: more hints would tell nobody anything


def tick(*, now: datetime) -> None:
    """Take back what dead workers held, hint at what is due, remove what is old. May run twice at once."""
    sweep.sweep(attempts=settings.HOLDFAST_JOB_ATTEMPTS, now=now)
    hint(now=now, batch=settings.HOLDFAST_BATCH_JOBS)
    sweep.prune(now=now, keep=timedelta(days=settings.HOLDFAST_JOB_RETENTION_DAYS))


def hint(*, now: datetime, batch: int) -> list[int]:
    """Send hints for the levels that have due work, unless plenty wait in the broker; the priorities sent."""
    wanted = hints_for(figures.due(now, at_most=HINTS * batch), batch=batch)
    if not wanted or (hints.waiting() or 0) >= FULL:
        return []
    return wanted if hints.send(wanted) else []


def hints_for(due: Mapping[int, int], *, batch: int) -> list[int]:
    """One hint per `batch` due jobs of a level, most urgent first: at least one, at most four."""
    return [level for level, count in sorted(due.items()) for _ in range(min(HINTS, math.ceil(count / batch)))]
