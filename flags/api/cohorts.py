"""The API's group of cohorts: how those who have a flag fare beside those who don't. Any key may look."""

from __future__ import annotations

from math import exp
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Schema

from flags import snapshot
from flags.cohorts import read
from flags.cohorts.read import Arm, Compared
from flags.errors import UnknownFlagError
from flags.models import Flag

router = Router(tags=["flags"])
STRATA: int = 50  # the latest


class ArmOut(Schema):
    """`units` were exposed or not; `latency_ms` is the geometric mean. Null where there were no requests."""

    units: int
    requests: int
    errors: int
    error_share: float | None
    slow: int
    slow_share: float | None
    latency_ms: float | None


class StratumOut(Schema):
    """Both arms while the flag had one share: sums of other strata don't compare, as traffic drifts meanwhile."""

    percent: float
    versions: list[int]
    exposed: ArmOut
    control: ArmOut


class CohortsOut(Schema):
    """`sampled` is the share of units that is measured, 1 for all; slower than `slow_ms` is slow."""

    flag: str
    version: int
    sampled: float
    slow_ms: float
    items: list[StratumOut]
    next: None = None


@router.get("/{name}/cohorts", response=CohortsOut, url_name="flag_cohorts")
def get_cohorts(
    request: HttpRequest,
    name: str,
    since: Annotated[int, Query(0, ge=0, le=2**31 - 1, description="The first version of the flag to look at.")] = 0,
) -> dict[str, Any]:
    """What was measured of both arms in the last thirty days, share by share, the latest last."""
    flag = Flag.objects.filter(name=name).first()
    if flag is None:
        raise UnknownFlagError(f"There is no flag {name[:100]!r}. GET /api/v1/flags lists them.")
    compiled = snapshot.current().flags.get(name)
    return {
        "flag": flag.name,
        "version": flag.version,
        "sampled": read.sampled(flag.pk),
        "slow_ms": compiled.slow_ms if compiled else 0.0,
        "items": [_stratum(each) for each in read.compared(flag, since=since)[-STRATA:]],
    }


def _stratum(of: Compared) -> dict[str, Any]:
    return {
        "percent": float(of.percent),
        "versions": list(of.versions),
        "exposed": _arm(of.exposed),
        "control": _arm(of.control),
    }


def _arm(arm: Arm) -> dict[str, Any]:
    n = arm.requests
    return {
        "units": arm.units,
        "requests": n,
        "errors": arm.errors,
        "error_share": arm.errors / n if n else None,
        "slow": arm.slow,
        "slow_share": arm.slow / n if n else None,
        "latency_ms": exp(arm.log_latency / n) if n else None,
    }
