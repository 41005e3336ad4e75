"""Cohorts as tests need them: noted by the product itself, or many rows at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from flags import cohorts
from flags.models import CohortShare, CohortUnit, Flag, RolloutPlan

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def collect(now: datetime | None = None) -> None:
    """Have all that this process noted stored, as if it happened at `now`."""
    at = (now or datetime.now(UTC)).timestamp()
    assert cohorts.flush(at)
    cohorts.Collector().tick(int(at))


def make_plan(flag: Flag, **fields: Any) -> RolloutPlan:
    """A plan that runs since the flag's version."""
    defaults = {
        "state": RolloutPlan.State.RUNNING,
        "starts_at": AT,
        "created_at": AT,
        "began_version": flag.version,
        "flag_version": flag.version,
        "actor": "Ana",
        "reason": "Try it on a few first.",
    }
    return RolloutPlan.objects.create(flag=flag, **defaults | fields)


def make_share(flag: Flag, version: int, percent: float | str) -> CohortShare:
    """What the aggregator knows of a version that it has stored units of."""
    draw = f"{flag.unit}:{flag.salt}"
    return CohortShare.objects.create(flag=flag, version=version, percent=Decimal(str(percent)), draw=draw)


def make_unit(flag: Flag, unit: str = "u1", *, save: bool = True, **fields: Any) -> CohortUnit:
    """Ten requests of a hundred milliseconds or so."""
    defaults = {
        "version": flag.version,
        "is_exposed": False,
        "requests": 10,
        "log_latency": 46.0,
        "log_latency_sq": 212.0,
        "first_at": AT,
        "last_at": AT + timedelta(minutes=5),
    }
    one = CohortUnit(flag=flag, unit=unit, **defaults | fields)
    if save:
        one.save()
    return one
