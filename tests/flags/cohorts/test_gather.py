from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from math import log

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from flags import bucketing, cohorts, rollout, snapshot
from flags.cohorts import read
from flags.guard.findings import weigh
from flags.guard.policy import Policy
from flags.guard.statistics import ratio
from flags.guard.statistics.units import Metric, Minutes, Rollout, Stratum, Tally
from flags.models import CohortMinute, CohortShare, CohortUnit, Flag
from tests.flags.cohorts.make import AT, collect, make_plan, make_share, make_unit
from tests.flags.make import make_flag

pytestmark = pytest.mark.django_db

SHARES = {1: "0", 2: "1", 3: "10", 4: "10", 5: "50"}  # the plan begins with version 2
UNITS = [f"u{n}" for n in range(12)]


@st.composite
def rows(draw: st.DrawFn) -> list[tuple[str, int, bool, bool, int]]:
    """Unit, version, whether exposed, whether mixed, requests: no unit twice in a version."""
    one = st.tuples(
        st.sampled_from(UNITS), st.sampled_from(list(SHARES)), st.booleans(), st.booleans(), st.integers(0, 40)
    )
    return draw(st.lists(one, max_size=40, unique_by=lambda row: row[:2]))


def brute(known: list[CohortUnit]) -> Rollout | None:
    """The same by hand, with dictionaries."""
    strata = [("1", (2,)), ("10", (3, 4)), ("50", (5,))]
    periods = []
    for _, versions in strata:
        of_units: dict[str, list[CohortUnit]] = {}
        for row in known:
            if row.version in versions:
                of_units.setdefault(row.unit, []).append(row)
        periods.append(
            {
                unit: of
                for unit, of in of_units.items()
                if len({row.is_exposed for row in of}) == 1 and not any(row.is_mixed for row in of)
            }
        )
    units = sorted({unit for period in periods for unit in period})
    if not units:
        return None
    before = {unit: [row for row in known if row.unit == unit and row.version == 1] for unit in units}
    seen = [
        Stratum(
            float(percent),
            np.array([period.get(unit, [])[:1] != [] and period[unit][0].is_exposed for unit in units]),
            tally(units, period),
        )
        for (percent, _), period in zip(strata, periods, strict=True)
        if period
    ]
    return Rollout(tally(units, before), tuple(seen), Minutes(*(np.zeros(0) for _ in range(4))))


def tally(units: list[str], of: dict[str, list[CohortUnit]]) -> Tally:
    def column(field: str) -> np.ndarray:
        return np.array([float(sum(getattr(row, field) for row in of.get(unit, []))) for unit in units])

    return Tally(column("requests"), column("log_latency"), column("slow"), column("errors"))


@hypothesis_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows())
def test_the_arrays_equal_those_made_by_hand(known: list[tuple[str, int, bool, bool, int]]) -> None:
    Flag.objects.all().delete()
    flag = make_flag(percent=50)
    plan = make_plan(flag, began_version=2)
    for version, percent in SHARES.items():
        make_share(flag, version, percent)
    units = [
        make_unit(
            flag,
            unit,
            save=False,
            version=version,
            is_exposed=is_exposed,
            is_mixed=is_mixed,
            requests=n,
            log_latency=n * 4.5 + version,
            slow=n // 3,
            errors=n // 7,
        )
        for unit, version, is_exposed, is_mixed, n in known
    ]
    CohortUnit.objects.bulk_create(units)
    ours, wanted = read.gathered(plan, now=AT), brute(units)
    if ours is None or wanted is None:
        assert ours is wanted
        return
    assert [stratum.percent for stratum in ours.strata] == [stratum.percent for stratum in wanted.strata]
    assert columns(ours) == columns(wanted)


def columns(of: Rollout) -> Counter[tuple[float, ...]]:
    """What is known of each unit, over all periods; units have no names any more."""
    parts = [of.before, *(stratum.seen for stratum in of.strata)]
    arrays = [array for part in parts for array in (part.requests, part.log_latency, part.slow, part.errors)]
    arrays += [stratum.exposed.astype(float) for stratum in of.strata]
    return Counter(tuple(np.round(row, 6).tolist()) for row in np.stack(arrays, axis=-1))


def test_what_a_rollout_measured_is_weighed_from_the_request_to_the_finding() -> None:
    flag = make_flag(percent=0, salt="the same for every run")
    workers = [f"u{n}" for n in range(300)]
    rng = np.random.default_rng(5)
    habits = dict(zip(workers, rng.normal(4.5, 0.4, 300), strict=True))

    def work(minute: int, worse: float) -> None:
        for unit in workers:
            scope = cohorts.begin("chat.response")
            is_on = cohorts.exposed(flag.name, unit)
            ms = float(np.exp(habits[unit] + rng.normal(0, 0.2))) * (worse if is_on else 1)
            cohorts.finish(scope, ms / 1000, bool(rng.random() < 0.02))
        collect(AT + timedelta(minutes=minute))

    work(-60, 1.0)
    Flag.objects.filter(pk=flag.pk).update(percent=Decimal(50))
    snapshot.forget()
    flag.refresh_from_db()
    plan = make_plan(flag)
    for minute in range(4):
        work(minute, 1.25)
    found = read.gathered(plan, now=AT + timedelta(minutes=5))
    assert found is not None
    assert [stratum.percent for stratum in found.strata] == [50]
    assert found.before.requests.sum() == 300
    assert found.strata[0].seen.requests.sum() == 1200
    assert found.exposed_units == sum(rollout.is_on(flag.name, unit) for unit in workers)
    assert len(found.minutes.exposed_requests) == 4
    assert (found.minutes.exposed_requests + found.minutes.control_requests).tolist() == [300.0] * 4
    assert ratio.of_stratum(found.strata[0]) < log(10)  # nothing was lost on the way
    latency = weigh(found, Policy())[Metric.LATENCY]
    assert latency.ratio == pytest.approx(1.25, abs=0.06)
    assert latency.ln_harm > log(60)


def test_a_new_salt_and_a_share_that_comes_back_make_strata_of_their_own() -> None:
    flag = make_flag(percent=10)
    plan = make_plan(flag, began_version=1)
    for version, percent in ((1, 10), (2, 10), (3, 0), (4, 10)):
        make_share(flag, version, percent)
    CohortShare.objects.create(flag=flag, version=5, percent=10, draw="user:other")
    for version in range(1, 6):
        make_unit(flag, version=version)
    found = read.gathered(plan, now=AT)
    assert found is not None
    assert [(stratum.percent, stratum.seen.requests.tolist()) for stratum in found.strata] == [
        (10, [20]),
        (0, [10]),
        (10, [10]),
        (10, [10]),
    ]
    plan.flag_version, plan.ended_at = 3, AT
    ended = read.gathered(plan, now=AT)
    assert ended is not None
    assert len(ended.strata) == 2


def test_history_reaches_back_a_week_and_nothing_measured_is_nothing() -> None:
    flag = make_flag(percent=10)
    plan = make_plan(flag, began_version=3)
    for version in (1, 2, 3):
        make_share(flag, version, 10)
    assert read.gathered(plan, now=AT) is None
    make_unit(flag, version=1, last_at=AT - timedelta(days=8))
    make_unit(flag, version=2, last_at=AT - timedelta(days=6), requests=4)
    assert read.gathered(plan, now=AT) is None
    make_unit(flag, version=3)
    found = read.gathered(plan, now=AT)
    assert found is not None
    assert found.before.requests.tolist() == [4]
    plan.began_version = None
    assert read.gathered(plan, now=AT) is None


def test_the_units_and_minutes_of_another_flag_stay_out() -> None:
    flag, other = make_flag(percent=10), make_flag("other", 10)
    for each in (flag, other):
        make_share(each, each.version, 10)
        make_unit(each, is_exposed=True)
        CohortMinute.objects.create(flag=each, minute=AT, is_exposed=True, requests=10, errors=2, failing=["u1"])
    CohortMinute.objects.create(flag=flag, minute=AT - timedelta(minutes=1), is_exposed=False, requests=99)
    found = read.gathered(make_plan(flag, starts_at=AT + timedelta(seconds=30)), now=AT + timedelta(minutes=2))
    assert found is not None
    assert (found.minutes.exposed_requests.tolist(), found.minutes.exposed_errors.tolist()) == ([10], [2])
    assert found.minutes.control_requests.tolist() == [0]


def test_a_unit_is_in_the_arm_that_its_bucket_says() -> None:
    flag = make_flag(percent=30)
    for number in range(200):
        cohorts.exposed(flag.name, f"u{number}")
    collect(AT)
    edge = bucketing.threshold(Decimal(30))
    for one in CohortUnit.objects.all():
        assert one.is_exposed is (bucketing.bucket(flag.salt, one.unit) < edge)
