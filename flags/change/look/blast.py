"""Whom a new share would reach: counted from who was active, since every unit's bucket is known beforehand.

What is counted: units that the flag's cohorts saw in the last 24 hours, under any of its versions, and whose bucket
lies between the share now and the one asked for. Overrides and rules are left out: a unit that a rule keeps out is
counted as entering. A flag that was off has no cohorts; then the units of all flags that draw the same kind are taken,
which is an estimate. So it is where cohorts are sampled: what was found is scaled up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from flags import bucketing, snapshot
from flags.change.asked.values import Fault, share
from flags.change.write.hold import unknown
from flags.errors import InvalidError
from flags.models import CohortUnit, Flag, Unit
from flags.snapshot.compiled import ALL

WINDOW: Final = timedelta(hours=24)
LARGEST: Final = 5
LEAST_MIN: Final = 1.0

_FIRST_SPACES: Final = f"ORDER BY n DESC, workspace LIMIT {LARGEST}"
_FIRST_UNITS: Final = f"ORDER BY n DESC, unit LIMIT {LARGEST}"
# The rows by the index on (flag, last_at), then each unit once, with the part of its requests that lies in the window,
# and one pass over the units that tells who crosses and who is in. Floats, since numerics take ten times as long.
COUNTED_SQL: Final = f"""
WITH rows AS (
  SELECT flag_id, unit, workspace, first_at, requests::float8 * CASE WHEN first_at >= %(start)s THEN 1 ELSE
    extract(epoch FROM last_at - %(start)s)::float8 / extract(epoch FROM last_at - first_at)::float8 END AS n
  FROM flags_cohortunit WHERE flag_id = ANY(%(flags)s) AND last_at > %(start)s AND last_at <= %(now)s
), of_flag AS (
  SELECT flag_id, unit, max(workspace) AS workspace, min(first_at) AS first_at, sum(n) AS n FROM rows GROUP BY 1, 2
), once AS (
  SELECT unit, max(workspace) AS workspace, min(first_at) AS first_at, max(n) AS n FROM of_flag GROUP BY 1
), placed AS (
  SELECT *, {bucketing.BUCKET_SQL.format(salt="%(salt)s::text", unit="unit")} AS bucket FROM once
), seen AS MATERIALIZED (
  SELECT unit, workspace, first_at, n, bucket < %(before)s AS is_in, bucket >= %(low)s AND bucket < %(high)s AS crosses
  FROM placed
), spaces AS (
  SELECT workspace, bool_or(is_in) AS is_in, bool_or(crosses) AS crosses, sum(n) FILTER (WHERE crosses) AS n
  FROM seen WHERE workspace <> '' GROUP BY 1
)
SELECT count(*) FILTER (WHERE crosses), count(*) FILTER (WHERE is_in),
  (SELECT count(*) FROM spaces WHERE crosses), (SELECT count(*) FROM spaces WHERE is_in),
  coalesce(sum(n) FILTER (WHERE crosses), 0), coalesce(sum(n) FILTER (WHERE is_in), 0),
  coalesce(extract(epoch FROM %(now)s - greatest(min(first_at), %(start)s)), 0)::float8,
  (SELECT array_agg(workspace) FROM (SELECT * FROM spaces WHERE crosses {_FIRST_SPACES}) AS few),
  (SELECT array_agg(n) FROM (SELECT * FROM spaces WHERE crosses {_FIRST_SPACES}) AS few),
  (SELECT array_agg(unit) FROM (SELECT * FROM seen WHERE crosses {_FIRST_UNITS}) AS few),
  (SELECT array_agg(n) FROM (SELECT * FROM seen WHERE crosses {_FIRST_UNITS}) AS few)
FROM seen"""

_names: list[Callable[[Sequence[str]], Mapping[str, str]]] = []


@dataclass(frozen=True, slots=True)
class Blast:
    """Who gets the flag newly, or loses it where the share falls; and who has it now.

    Requests are a minute's, over the `window_h` hours that were looked at. `largest` are the workspaces, or the units
    where there is but one workspace, with most requests among those that change.
    """

    units: int
    units_before: int
    workspaces: int
    workspaces_before: int
    per_minute: float
    per_minute_before: float
    largest: tuple[tuple[str, float], ...]
    window_h: float
    is_estimate: bool
    is_lowering: bool = False


def name_workspaces(ask: Callable[[Sequence[str]], Mapping[str, str]]) -> None:
    """Have workspaces called by name: `ask` takes ids as text and gives the names that it knows."""
    _names[:] = [ask]


def blast(name: str, percent: Decimal | str, *, now: datetime) -> Blast:
    """What setting `name` to `percent` would change. Raises UnknownFlagError and InvalidError."""
    flag = Flag.objects.filter(name=name).first()
    if flag is None:
        raise unknown(name)
    wanted = _wanted(percent)
    flags = _seen_by(flag, now)
    asked = _asked(flag, flags, wanted, now)
    scale = _scale(name)
    with connection.cursor() as cursor:
        cursor.execute(COUNTED_SQL, asked)
        units, units_before, workspaces, workspaces_before, n, n_before, seconds, *largest = cursor.fetchone()
    minutes = max(seconds / 60, LEAST_MIN)
    if flag.unit == Unit.WORKSPACE:
        workspaces, workspaces_before = units, units_before
    return Blast(
        units=round(units * scale),
        units_before=round(units_before * scale),
        workspaces=workspaces,
        workspaces_before=workspaces_before,
        per_minute=n * scale / minutes,
        per_minute_before=n_before * scale / minutes,
        largest=_largest(flag, workspaces, largest, minutes),
        window_h=round(minutes / 60, 2),
        is_estimate=scale > 1 or flags != [flag.pk],
        is_lowering=wanted < flag.share,
    )


def _wanted(percent: Any) -> Decimal:
    try:
        return share(percent) or Decimal(0)
    except Fault as fault:
        raise InvalidError(("percent", str(fault))) from None


def _seen_by(flag: Flag, now: datetime) -> list[int]:
    """The flags whose cohorts are counted: its own, else all that draw the same kind of unit."""
    if CohortUnit.objects.filter(flag=flag, last_at__gte=now - WINDOW, last_at__lte=now).exists():
        return [flag.pk]
    return list(Flag.objects.filter(unit=flag.unit).values_list("pk", flat=True))  # type: ignore[misc]


def _asked(flag: Flag, flags: list[int], wanted: Decimal, now: datetime) -> dict[str, Any]:
    low, high = sorted((flag.share, wanted))
    return {
        "flags": flags,
        "start": now - WINDOW,
        "now": now,
        "salt": flag.salt,
        "low": bucketing.edge(low),
        "high": bucketing.edge(high),
        "before": bucketing.edge(flag.share),
    }


def _scale(name: str) -> float:
    known = snapshot.current().flags.get(name)
    return ALL / known.sampled if known is not None and 0 < known.sampled < ALL else 1.0


def _largest(flag: Flag, workspaces: int, found: list[Any], minutes: float) -> tuple[tuple[str, float], ...]:
    """The workspaces where there are several, else the units; workspaces by their names, where anybody knows them."""
    spaces, of_spaces, units, of_units = found
    is_of_spaces = workspaces > 1 and flag.unit != Unit.WORKSPACE
    who, many = (spaces, of_spaces) if is_of_spaces else (units, of_units)
    who, many = who or [], many or []
    names = _names[0](who) if _names and (is_of_spaces or flag.unit == Unit.WORKSPACE) else {}
    return tuple((names.get(one, one), n / minutes) for one, n in zip(who, many, strict=True))
