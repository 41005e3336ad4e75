"""Answers about cohorts: what the guard asks for, what pages and the tester show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import connection
from django.db.models import Max, Sum

from flags.cohorts import sample
from flags.cohorts.gather import gathered as gathered
from flags.cohorts.gather import parts
from flags.guard.verdict import Recent
from flags.models import CohortMinute, CohortUnit, Flag
from monitoring.metrics import read as series

RECENT: Final = timedelta(minutes=2)
HOUR: Final = timedelta(hours=1)
P95_RANGES: Final = ("1h", "24h")  # the first that has enough
P95_LEAST: Final = 100  # requests, for a p95 to mean something

HOUR_UNITS_SQL = """
SELECT flag_id, count(*) FROM (
  SELECT DISTINCT flag_id, unit FROM flags_cohortunit WHERE last_at >= %s AND is_exposed
) one GROUP BY 1
"""
# One scan of the flag's units of these versions; a unit is in one arm, or in none.
ARMS_SQL = """
SELECT number, is_exposed, count(*), sum(requests)::bigint, sum(log_latency), sum(slow)::bigint, sum(errors)::bigint
FROM (
  SELECT number, unit, bool_or(is_exposed) AS is_exposed, sum(requests::float8) AS requests,
    sum(log_latency) AS log_latency, sum(slow::float8) AS slow, sum(errors::float8) AS errors
  FROM flags_cohortunit JOIN unnest(%(versions)s::int[], %(numbers)s::int[]) AS part (version, number) USING (version)
  WHERE flag_id = %(flag)s
  GROUP BY 1, 2 HAVING NOT bool_or(is_mixed) AND bool_and(is_exposed) = bool_or(is_exposed)
) unit GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Hour:
    """The last hour of a flag's exposed units: their requests, and how many they are."""

    requests: int
    units: int


@dataclass(frozen=True, slots=True)
class Seen:
    """One unit under the share that the flag has now."""

    is_exposed: bool
    first_at: datetime
    last_at: datetime
    requests: int
    errors: int


@dataclass(frozen=True, slots=True)
class Arm:
    """Sums of one arm over the units that were measured."""

    units: int = 0
    requests: int = 0
    log_latency: float = 0.0
    slow: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """Both arms while the flag had one share."""

    percent: Decimal
    versions: tuple[int, ...]
    exposed: Arm
    control: Arm


def recent(flag_id: int, now: datetime) -> Recent:
    """What exposed units did in the last two minutes and what has begun of this one."""
    since = now.replace(second=0, microsecond=0) - RECENT
    rows = CohortMinute.objects.filter(flag=flag_id, is_exposed=True, minute__gte=since, minute__lte=now)
    found = list(rows.values_list("requests", "errors", "failing"))
    failing = {unit for _, _, units in found for unit in units}
    return Recent(sum(row[0] for row in found), sum(row[1] for row in found), len(failing))


def silent_s(flag_id: int, now: datetime) -> float:
    """Seconds since a unit was last exposed or measured; endless where none ever was."""
    last = CohortUnit.objects.filter(flag=flag_id).aggregate(last=Max("last_at"))["last"]
    return max(0.0, (now - last).total_seconds()) if last else float("inf")


def last_hour(now: datetime) -> dict[str, Hour]:
    """By name, the flags that were asked in the last hour. Units are an estimate where they are sampled."""
    names = dict(Flag.objects.values_list("pk", "name"))
    shares = sample.shares()
    with connection.cursor() as cursor:
        cursor.execute(HOUR_UNITS_SQL, [now - HOUR])
        units = {flag: round(n / shares.get(flag, 1.0)) for flag, n in cursor.fetchall()}
    minutes = CohortMinute.objects.filter(minute__gt=now - HOUR, is_exposed=True)
    requests = dict(minutes.values_list("flag").annotate(n=Sum("requests")))
    asked = (units.keys() | requests.keys()) & names.keys()
    return {names[flag]: Hour(requests.get(flag, 0), units.get(flag, 0)) for flag in asked}


def control_p95_ms(name: str, now: datetime) -> float | None:
    """The 95th percentile of control's latency, of the last hour or, with few requests, day; None where unknown."""
    arm = f"cohort.{name}.control"
    for range_name in P95_RANGES:
        table = series.table([arm], series.span(range_name, now=now))
        if table.total(arm) >= P95_LEAST:
            p95 = table.whole(0.95)[arm]
            return None if p95 is None else p95 * 1000
    return None


def unit(flag_id: int, unit: str) -> Seen | None:
    """What is known of one unit since the flag has the share it has; None where it wasn't seen, or isn't measured."""
    flag = Flag.objects.filter(pk=flag_id).first()
    current = parts(flag)[-1:] if flag else []
    if not current:
        return None
    rows = list(CohortUnit.objects.filter(flag=flag_id, version__in=current[0].versions, unit=unit).order_by("version"))
    if not rows:
        return None
    return Seen(
        rows[-1].is_exposed,
        min(row.first_at for row in rows),
        max(row.last_at for row in rows),
        sum(row.requests for row in rows),
        sum(row.errors for row in rows),
    )


def sampled(flag_id: int) -> float:
    """The share of the flag's units that is measured, 0 to 1: below 1 where they were too many."""
    return sample.shares().get(flag_id, 1.0)


def compared(flag: Flag, *, since: int = 0) -> list[Compared]:
    """Both arms, share by share, in the order in which the flag had them, from version `since` on."""
    found = parts(flag, since=since)
    numbers = {version: number for number, part in enumerate(found) for version in part.versions}
    with connection.cursor() as cursor:
        cursor.execute(ARMS_SQL, {"flag": flag.pk, "versions": list(numbers), "numbers": list(numbers.values())})
        arms = {(number, is_exposed): Arm(*sums) for number, is_exposed, *sums in cursor.fetchall()}
    return [
        Compared(part.percent, part.versions, arms.get((number, True), Arm()), arms.get((number, False), Arm()))
        for number, part in enumerate(found)
    ]
