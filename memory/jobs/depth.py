"""How much waits, and for how long: the figures of the queue."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count, Min
from django.utils import timezone

from memory.models import Job, JobState, Priority

OPEN = (JobState.PENDING, JobState.RUNNING)


def gauges() -> Mapping[str, float]:
    """Depth by priority (pending and running) and the age of the oldest due job in seconds, for the metrics."""
    now = timezone.now()
    depth = {f"queue.{priority.name.lower()}": 0.0 for priority in Priority}
    counted = Job.objects.filter(state__in=OPEN).values_list("priority").annotate(Count("pk"), Min("available_at"))
    oldest = now
    for priority, count, since in counted:
        depth[f"queue.{Priority(priority).name.lower()}"] = float(count)
        oldest = min(oldest, since)
    return depth | {"queue.oldest_s": (now - oldest).total_seconds()}


def open_jobs() -> int:
    """Jobs that are not done."""
    return Job.objects.filter(state__in=OPEN).count()
