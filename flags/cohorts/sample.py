"""Keeps the units of a flag bounded: where one version has more than UNITS_LIMIT, half of them are measured on.

Who is in the sample is drawn by a hash of its own, so both arms shrink alike and the next halving keeps a part of those
who are in. Arms and series go on counting everybody; only sums by unit, and what the guard compares, are of the sample.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef

from flags import bucketing
from flags.cohorts.blob import SAMPLE
from flags.models import CohortSample, CohortUnit, Flag, Flagset

UNITS_LIMIT: Final = 50_000  # of one flag and version; looked at so often:
LOOK_S: Final = 30
MOST_HALVINGS: Final = 20  # then one in a million

# A scan of the flag's units by its unique index; the hash takes a microsecond each.
HALVE_SQL = f"""
DELETE FROM flags_cohortunit WHERE flag_id = %(flag)s
AND {bucketing.BUCKET_SQL.format(salt="%(salt)s", unit="unit")} >= %(edge)s
"""


@dataclass(slots=True)
class Sampler:
    """What the aggregator looks at now and then."""

    grown: set[tuple[int, int]] = field(default_factory=set)  # flags and versions that got units since it looked last
    looked_at: int = 0

    def tick(self, second: int) -> None:
        if second - self.looked_at >= LOOK_S:
            for flag, version in sorted(self.grown):
                keep_below(UNITS_LIMIT, flag, version)
            self.grown, self.looked_at = set(), second


def threshold(halvings: int) -> int:
    """Units whose sample bucket is below it are measured one by one."""
    return bucketing.SPACE >> halvings


def keep_below(limit: int, flag_id: int, version: int) -> int:
    """Halve the sample of a flag until this version has `limit` units at most; how often it was halved."""
    times = 0
    while CohortUnit.objects.filter(flag=flag_id, version=version).count() > limit and _halve(flag_id):
        times += 1
    return times


def shares() -> dict[int, float]:
    """The share of units that is measured, 0 to 1, of the flags where it isn't all."""
    return {flag: 0.5**halvings for flag, halvings in CohortSample.objects.values_list("flag_id", "halvings")}


def forget_empty() -> None:
    """A flag that nobody asked for a month begins anew, with all its units."""
    units = CohortUnit.objects.filter(flag=OuterRef("flag"))
    gone, _ = CohortSample.objects.filter(~Exists(units)).delete()
    if gone:
        _tell()


def _halve(flag_id: int) -> bool:
    """Whether there was anything to halve."""
    with transaction.atomic(), connection.cursor() as cursor:
        flag = Flag.objects.select_for_update(no_key=True).filter(pk=flag_id).first()
        if flag is None:
            return False
        row = CohortSample.objects.filter(pk=flag_id).first() or CohortSample(pk=flag_id, halvings=0)
        if row.halvings >= MOST_HALVINGS:
            return False
        row.halvings += 1
        row.save()
        edge = threshold(row.halvings).to_bytes(8, "big")
        cursor.execute(HALVE_SQL, {"flag": flag_id, "salt": flag.salt + SAMPLE, "edge": edge})
        _tell()
    return True


def _tell() -> None:
    """Processes read flags anew, and with them the samples."""
    Flagset.objects.filter(pk=Flagset.ONLY).update(version=F("version") + 1)
