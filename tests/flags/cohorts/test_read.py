from __future__ import annotations

from datetime import timedelta
from math import inf

import pytest

from flags import bucketing, cohorts, snapshot
from flags.cohorts import read, sample
from flags.guard.verdict import Recent
from flags.models import CohortMinute, CohortSample, CohortUnit, Flagset
from memory.models import Scope
from monitoring.metrics.store.retain import make_partitions
from monitoring.metrics.store.rollup import roll_up
from monitoring.metrics.store.write import write
from tests.flags.cohorts.make import AT, collect, make_share, make_unit
from tests.flags.make import make_flag
from tests.make import make_key, make_workspace
from tests.memory.api.conftest import Api
from tests.monitoring.blobs import make_blob

pytestmark = pytest.mark.django_db


def test_recent_is_what_exposed_units_did_in_the_last_two_minutes() -> None:
    flag = make_flag()
    assert read.recent(flag.pk, AT) == Recent(0, 0, 0)
    for minutes_ago, is_exposed, failing in (
        (0, True, ["a"]),
        (2, True, ["a", "b"]),
        (3, True, ["c"]),
        (1, False, ["d"]),
    ):
        minute = AT - timedelta(minutes=minutes_ago)
        CohortMinute.objects.create(
            flag=flag, minute=minute, is_exposed=is_exposed, requests=10, errors=2, failing=failing
        )
    assert read.recent(flag.pk, AT + timedelta(seconds=20)) == Recent(20, 4, 2)


def test_silence_is_counted_from_the_last_exposure() -> None:
    flag = make_flag()
    assert read.silent_s(flag.pk, AT) == inf
    make_unit(flag, last_at=AT - timedelta(minutes=6))
    assert read.silent_s(flag.pk, AT) == 360


def test_the_last_hour_counts_requests_and_units_of_each_flag() -> None:
    flag, quiet = make_flag(), make_flag("quiet")
    for unit, minutes in (("a", 1), ("b", 30), ("c", 61)):
        make_unit(flag, unit, is_exposed=True, last_at=AT - timedelta(minutes=minutes))
        make_unit(flag, f"{unit}-of-control", last_at=AT)
        CohortMinute.objects.create(flag=flag, minute=AT - timedelta(minutes=minutes), is_exposed=True, requests=7)
    CohortMinute.objects.create(flag=flag, minute=AT, is_exposed=False, requests=70)
    make_unit(flag, "a", version=9, is_exposed=True, last_at=AT)
    assert read.last_hour(AT) == {flag.name: read.Hour(14, 2)}
    CohortSample.objects.create(flag=flag, halvings=3)
    assert read.last_hour(AT)[flag.name] == read.Hour(14, 16)
    assert quiet.name not in read.last_hour(AT)


def test_the_tester_knows_a_unit_under_the_share_of_now() -> None:
    flag = make_flag()
    assert read.unit(flag.pk, "u1") is None
    for version, percent in ((1, 5), (2, 10), (3, 10)):
        make_share(flag, version, percent)
        make_unit(flag, version=version, is_exposed=version > 1, first_at=AT + timedelta(hours=version), errors=1)
    seen = read.unit(flag.pk, "u1")
    assert seen is not None
    assert (seen.is_exposed, seen.first_at, seen.requests, seen.errors) == (True, AT + timedelta(hours=2), 20, 2)
    assert read.unit(flag.pk, "nobody") is None


def test_the_p95_of_control_is_read_from_its_series() -> None:
    """Of the last hour, else of the last day; with few requests it is unknown."""
    second = int(AT.timestamp())
    make_partitions(now=second)
    for name, n, ago_s in (("earlier", 200, 7200), ("now", 200, 1200), ("hardly", 50, 1200)):
        waits = {f"cohort.{name}.control": [0.1] * (n - 20) + [0.4] * 20, f"cohort.{name}.exposed": [9.0] * 500}
        write([make_blob(second - ago_s, process=name, latencies=waits)], now=second - ago_s)
    roll_up(now=second)
    known = {name: read.control_p95_ms(name, AT) for name in ("now", "earlier", "hardly", "nobody")}
    assert known == {
        "now": pytest.approx(400, rel=0.02),
        "earlier": pytest.approx(400, rel=0.02),
        "hardly": None,
        "nobody": None,
    }


def test_too_many_units_are_halved_alike_in_both_arms() -> None:
    flag = make_flag(percent=25)
    for number in range(4000):
        cohorts.exposed(flag.name, f"u{number}")
    collect(AT)
    make_unit(flag, "kept-out-of-another-version", version=77)
    before = Flagset.objects.get().version
    assert sample.keep_below(1500, flag.pk, flag.version) == 2
    units = CohortUnit.objects.filter(flag=flag, version=flag.version)
    exposed, n = units.filter(is_exposed=True).count(), units.count()
    assert abs(n - 1000) < 120
    assert abs(exposed / n - 0.25) < 0.06
    edge = bucketing.SPACE >> 2
    assert all(bucketing.bucket(flag.salt + ":sample", one.unit) < edge for one in units)
    assert Flagset.objects.get().version > before
    assert sample.keep_below(1500, flag.pk, flag.version) == 0
    # a process that knows, and one that doesn't know yet, add no unit from outside the sample
    for is_known in (False, True):
        if is_known:
            snapshot.forget()
            assert snapshot.current().flags[flag.name].sampled == edge
        for number in range(4000):
            cohorts.exposed(flag.name, f"u{number}")
        collect(AT)
        assert units.count() == n
    CohortUnit.objects.filter(flag=flag).delete()
    sample.forget_empty()
    assert not CohortSample.objects.exists()


def test_the_api_compares_both_arms_share_by_share() -> None:
    workspace = make_workspace()
    api = Api(workspace, make_key(workspace, scope=Scope.READ))
    flag = make_flag(percent=50)
    make_share(flag, 1, 10)
    make_share(flag, 2, 50)
    make_unit(flag, "a", version=1)
    for unit, is_exposed in (("a", True), ("b", True), ("c", False)):
        make_unit(flag, unit, version=2, is_exposed=is_exposed, errors=5 if is_exposed else 0, slow=1)
    make_unit(flag, "torn", version=2, is_mixed=True)
    found = api.get(f"flags/{flag.name}/cohorts")[1]
    assert (found["flag"], found["sampled"], found["slow_ms"]) == (flag.name, 1.0, 1000.0)
    assert [(each["percent"], each["versions"]) for each in found["items"]] == [(10.0, [1]), (50.0, [2])]
    exposed, control = found["items"][1]["exposed"], found["items"][1]["control"]
    assert (exposed["units"], exposed["requests"], exposed["errors"], exposed["error_share"]) == (2, 20, 10, 0.5)
    assert (control["units"], control["slow_share"], control["latency_ms"]) == (1, 0.1, pytest.approx(99.48, abs=0.01))
    assert found["items"][0]["exposed"]["latency_ms"] is None
    assert len(api.get(f"flags/{flag.name}/cohorts?since=2")[1]["items"]) == 1
    assert api.get("flags/unknown/cohorts")[0] == 404
