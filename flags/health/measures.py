"""What readiness measures of flags."""

from __future__ import annotations

from datetime import datetime
from time import perf_counter
from typing import Final

from django.db.models import Q

from flags import catalog, change, rollout, snapshot
from flags.models import Flag, RolloutPlan, Unit
from monitoring.models import AuditEntry

UNITS: Final = tuple(f"unit-{number}" for number in range(200))
DECIDING: Final = ("plan.ask", "plan.hold")
HOUR_S: Final = 3600.0


def evaluation_us(now: datetime) -> float | None:
    """Of one question, for a flag that users are drawn for; None where there is none."""
    name = next((name for name, flag in snapshot.current().flags.items() if flag.unit == Unit.USER), None)
    if name is None:
        return None
    began = perf_counter()
    for unit in UNITS:
        rollout.is_on(name, unit)
    return (perf_counter() - began) / len(UNITS) * 1e6


def snapshot_age_s(now: datetime) -> float | None:
    """How long ago this process was last told that its flags are those that hold."""
    snapshot.current()
    return snapshot.check().value


def behind(now: datetime) -> float | None:
    """Processes that evaluate by an older version than PostgreSQL has; None while none tells."""
    version = change.flagset().version  # first: what is changed after it makes nobody late
    told = snapshot.receipts(now)
    return float(sum(receipt.version < version for receipt in told)) if told else None


def without_row(now: datetime) -> float:
    """Flags that the code asks for and that operators can't find."""
    names = {entry.name for entry in catalog.entries()}
    return float(len(names) - Flag.objects.filter(name__in=names).count())


def waiting_h(now: datetime) -> float:
    """How long the rollout that has waited longest for a person has done so."""
    waiting = RolloutPlan.objects.filter(state__in=(RolloutPlan.State.ASKING, RolloutPlan.State.HELD))
    names = dict(waiting.values_list("flag__name", "starts_at"))
    since = dict(names)
    rows = AuditEntry.objects.filter(subject__in=list(names), action__in=DECIDING).order_by("at")
    since |= dict(rows.values_list("subject", "at"))
    return max(((now - at).total_seconds() / HOUR_S for at in since.values()), default=0.0)


def expired(now: datetime) -> float:
    return float(Flag.objects.filter(Q(expires_on__lt=now.date())).count())


def stale(now: datetime) -> float:
    return float(len(change.stale(now)))
