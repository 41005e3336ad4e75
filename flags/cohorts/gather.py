"""Puts what was measured since a plan began into the arrays that the guard's statistics work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt
from django.db import connection

from flags.guard.statistics.units import Array, Minutes, Rollout, Stratum, Tally
from flags.models import CohortShare, Flag, RolloutPlan

HISTORY: Final = timedelta(days=7)  # before the plan began: what a unit is adjusted by

# A scan of the rows of these versions, sent as they are, in one row of one string: PostgreSQL takes ten times as long
# to group them as numpy. A unit goes by a hash of 64 bits.
UNITS_SQL = """
SELECT string_agg(int4send(version) || int8send(hashtextextended(unit, 0)) || boolsend(is_exposed) || boolsend(is_mixed)
  || int8send(requests) || float8send(log_latency) || int8send(slow) || int8send(errors), '')
FROM flags_cohortunit
WHERE flag_id = %(flag)s AND version = ANY (%(versions)s) AND (version >= %(began)s OR last_at >= %(since)s)
"""
MINUTES_SQL = """
SELECT coalesce(sum(requests) FILTER (WHERE is_exposed), 0)::float8,
  coalesce(sum(requests) FILTER (WHERE NOT is_exposed), 0)::float8,
  coalesce(sum(errors) FILTER (WHERE is_exposed), 0)::float8,
  coalesce(sum(errors) FILTER (WHERE NOT is_exposed), 0)::float8
FROM flags_cohortminute WHERE flag_id = %(flag)s AND minute >= %(since)s AND minute <= %(until)s
GROUP BY minute ORDER BY minute
"""
UNIT: Final = np.dtype(
    [
        ("version", ">i4"),
        ("unit", ">i8"),
        ("is_exposed", "?"),
        ("is_mixed", "?"),
        ("requests", ">i8"),
        ("log_latency", ">f8"),
        ("slow", ">i8"),
        ("errors", ">i8"),
    ]
)
SUMS: Final = ("requests", "log_latency", "slow", "errors")  # in the order of Tally's fields

Rows = npt.NDArray[np.void]  # of UNIT


@dataclass(frozen=True, slots=True)
class Part:
    """Versions of a flag that follow each other with the same share of the same draw: one stratum."""

    percent: Decimal
    draw: str
    versions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Period:
    """What units did in one period, each once, in order."""

    units: npt.NDArray[np.int64]
    is_exposed: npt.NDArray[np.bool_]
    sums: tuple[Array, ...]

    def tally(self, units: npt.NDArray[np.int64]) -> Tally:
        """Of all these units, which are in order too; 0 for those that did nothing."""
        return Tally(*(self._spread(sums, units) for sums in self.sums))

    def stratum(self, units: npt.NDArray[np.int64], percent: Decimal) -> Stratum:
        exposed = self._spread(self.is_exposed.astype(np.float64), units) > 0
        return Stratum(float(percent), exposed, self.tally(units))

    def _spread(self, values: Array, units: npt.NDArray[np.int64]) -> Array:
        at = np.minimum(np.searchsorted(units, self.units), len(units) - 1)
        is_there = units[at] == self.units
        spread = np.zeros(len(units))
        spread[at[is_there]] = values[is_there]
        return spread


def gathered(plan: RolloutPlan, *, now: datetime) -> Rollout | None:
    """What was measured since `plan` began, and what the same units did before; None where nothing was.

    A unit that was in both arms of a stratum is in neither. Where units are sampled, these are the sample.
    """
    if plan.began_version is None:
        return None
    last = plan.flag_version if plan.ended_at else None
    strata = parts(plan.flag, since=plan.began_version, until=last)
    rows = _rows(plan, strata)
    versions = rows["version"]
    found = [(part, _period(rows, np.isin(versions, part.versions), is_arm=True)) for part in strata]
    found = [(part, period) for part, period in found if len(period.units)]
    if not found:
        return None
    units = np.unique(np.concatenate([period.units for _, period in found]))
    before = _period(rows, versions < plan.began_version, is_arm=False).tally(units)
    seen = tuple(period.stratum(units, part.percent) for part, period in found)
    return Rollout(before, seen, _minutes(plan, until=plan.ended_at or now))


def parts(flag: Flag, *, since: int = 0, until: int | None = None) -> list[Part]:
    """The flag's versions that were measured, in order, those together whose share and draw are the same."""
    rows = CohortShare.objects.filter(flag=flag, version__gte=since).order_by("version")
    if until is not None:
        rows = rows.filter(version__lte=until)
    found: list[Part] = []
    for version, percent, draw in rows.values_list("version", "percent", "draw"):
        if found and (found[-1].percent, found[-1].draw) == (percent, draw):
            found[-1] = Part(percent, draw, (*found[-1].versions, version))
        else:
            found.append(Part(percent, draw, (version,)))
    return found


def _rows(plan: RolloutPlan, strata: Sequence[Part]) -> Rows:
    """The rows of the strata's versions, and of earlier ones that were seen in the time of history."""
    earlier = CohortShare.objects.filter(flag=plan.flag_id, version__lt=plan.began_version)
    versions = [*earlier.values_list("version", flat=True), *(one for part in strata for one in part.versions)]
    since = plan.starts_at - HISTORY
    with connection.cursor() as cursor:
        cursor.execute(
            UNITS_SQL, {"flag": plan.flag_id, "versions": versions, "began": plan.began_version, "since": since}
        )
        return np.frombuffer(bytes(cursor.fetchone()[0] or b""), dtype=UNIT)


def _period(rows: Rows, within: npt.NDArray[np.bool_], *, is_arm: bool) -> _Period:
    """Each unit's rows together; of an arm only units that were in no other."""
    units, at = np.unique(rows["unit"][within].astype(np.int64), return_inverse=True)
    size = len(units)

    def summed(name: str) -> Array:
        sums: Array = np.bincount(at, weights=rows[name][within].astype(np.float64), minlength=size).astype(np.float64)
        return sums

    exposed = summed("is_exposed")
    is_clean = (summed("is_mixed") == 0) & ((exposed == 0) | (exposed == np.bincount(at, minlength=size)))
    kept = is_clean if is_arm else np.ones(size, dtype=np.bool_)
    return _Period(units[kept], exposed[kept] > 0, tuple(summed(name)[kept] for name in SUMS))


def _minutes(plan: RolloutPlan, *, until: datetime) -> Minutes:
    since = plan.starts_at.replace(second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(MINUTES_SQL, {"flag": plan.flag_id, "since": since, "until": until})
        columns = np.array(cursor.fetchall(), dtype=np.float64).reshape(-1, 4).T
    return Minutes(*columns)
