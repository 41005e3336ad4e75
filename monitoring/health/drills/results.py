"""What drills found before: the last of each, and one in detail."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from monitoring.health.drills.registry import registered
from monitoring.models import DrillResult

KEPT: Final = timedelta(days=90)
PRUNED: Final = 1000


def latest(*, now: datetime, within: timedelta | None = None) -> dict[str, DrillResult]:
    """The last finished run of each registered drill, by name."""
    names = [spec.name for spec in registered()]
    rows = DrillResult.objects.latest_of_each().filter(name__in=names)
    if within is not None:
        rows = rows.filter(started_at__gt=now - within)
    return {row.name: row for row in rows}


def running(*, now: datetime) -> set[str]:
    """The names of those that run now."""
    since = now - DrillResult.LOST_AFTER
    return set(DrillResult.objects.running().filter(started_at__gte=since).values_list("name", flat=True))


def count() -> int:
    """How many drills there are."""
    return len(registered())


def prune(*, now: datetime) -> int:
    """Delete some of the results that are older than 90 days; how many."""
    old = DrillResult.objects.filter(started_at__lt=now - KEPT).order_by("started_at")[:PRUNED]
    return DrillResult.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()[0]
