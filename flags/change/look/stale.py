"""Flags that somebody should look after: done with, forgotten, never asked for, expired, or nobody's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, Max, OuterRef, Q

from flags.models import CohortUnit, Flag, Kind

SETTLED: Final = timedelta(days=14)  # at one side for longer: the code can do without the flag
UNASKED: Final = timedelta(days=7)
# a safety flag stands at one side for years, and services are asked for without cohorts
STAYING: Final = (Kind.SAFETY, Kind.OPERATIONAL)


@dataclass(frozen=True, slots=True)
class Stale:
    """`why` has all reasons in words."""

    name: str
    why: str


def stale(now: datetime) -> list[Stale]:
    """By name. Flags for safety and operation may stay at one side and unasked, but not expire or be nobody's."""
    asked = CohortUnit.objects.filter(flag=OuterRef("pk"), last_at__gte=now - UNASKED)
    moved = Q(changes__after__has_any_keys=["percent", "everyone"])
    flags = Flag.objects.annotate(is_asked=Exists(asked), moved_at=Max("changes__at", filter=moved))
    found = ((flag, "; ".join(_why(flag, now))) for flag in flags.order_by("name"))
    return [Stale(flag.name, why) for flag, why in found if why]


def _why(flag: Flag, now: datetime) -> Iterator[str]:
    if flag.kind not in STAYING:
        yield from _one_sided(flag, now)
        # off for everyone nobody is drawn, so that there is nothing to see
        if flag.everyone is not False and not flag.is_asked and now - flag.created > UNASKED:  # type: ignore[attr-defined]
            yield f"not asked for in {UNASKED.days} days"
    if flag.expires_on is not None and flag.expires_on < now.date():
        yield f"expired on {flag.expires_on:%d %b %Y}"
    if not flag.owner:
        yield "no owner"


def _one_sided(flag: Flag, now: datetime) -> Iterator[str]:
    rested = now - (flag.moved_at or flag.created)  # type: ignore[attr-defined]
    if rested <= SETTLED:
        return
    if flag.share >= 100:
        yield f"at 100 % for {rested.days} days"
    elif flag.share <= 0 and now - flag.modified > SETTLED:
        yield f"off for {rested.days} days"
