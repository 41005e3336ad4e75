from __future__ import annotations

import threading
from contextvars import copy_context
from datetime import timedelta
from math import log

import pytest
from django.utils import timezone

from flags import cohorts, rollout, snapshot
from flags.cohorts import series
from flags.models import CohortMinute, CohortUnit, Flag, Override
from monitoring import metrics
from monitoring.metrics.record import Delta, drain
from tests.flags.cohorts.make import AT, collect
from tests.flags.make import make_flag

pytestmark = pytest.mark.django_db

UNITS = [f"u{n}" for n in range(40)]


def recorded() -> Delta:
    """What the courier's thread records when it sums up, since the last time."""
    assert cohorts.flush()
    return drain()


def stored(flag: Flag) -> dict[str, tuple[bool, int]]:
    return {one.unit: (one.is_exposed, one.requests) for one in CohortUnit.objects.filter(flag=flag)}


def test_both_arms_are_noted_at_the_place_where_the_flag_is_asked() -> None:
    flag = make_flag(percent=50)
    given = {}
    for unit in UNITS:
        with cohorts.measured("context"):
            given[unit] = cohorts.exposed(flag.name, unit)
    collect(AT)
    assert stored(flag) == {unit: (is_on, 1) for unit, is_on in given.items()}
    assert given == {unit: rollout.is_on(flag.name, unit) for unit in UNITS}
    arms = dict(CohortMinute.objects.filter(flag=flag, minute=AT).values_list("is_exposed", "requests"))
    assert arms == {True: sum(given.values()), False: len(UNITS) - sum(given.values())}


def test_a_unit_noted_twice_in_one_request_counts_once_and_without_a_scope_it_has_no_outcome() -> None:
    flag = make_flag(percent=100)
    scope = cohorts.begin("context")
    for _ in range(3):
        cohorts.exposed(flag.name, "twice")
    cohorts.finish(scope, 0.2, True)
    cohorts.finish(scope, 9.0, True)  # it has ended
    cohorts.exposed(flag.name, "alone")
    collect(AT)
    twice = CohortUnit.objects.get(unit="twice")
    assert (twice.requests, twice.errors, twice.slow) == (1, 1, 0)
    assert twice.log_latency == pytest.approx(log(200))
    assert twice.log_latency_sq == pytest.approx(log(200) ** 2)
    assert stored(flag)["alone"] == (True, 0)
    assert CohortMinute.objects.get(flag=flag).failing == ["twice"]


def test_the_first_exposure_of_a_unit_keeps_its_time() -> None:
    flag = make_flag(percent=100)
    for minutes in (3, 1, 7):  # as blobs of several processes may come
        cohorts.exposed(flag.name, "u")
        collect(AT + timedelta(minutes=minutes))
    one = CohortUnit.objects.get(flag=flag)
    assert (one.first_at, one.last_at) == (AT + timedelta(minutes=1), AT + timedelta(minutes=7))


def test_only_the_share_makes_an_arm() -> None:
    flag = make_flag(percent=100)
    for unit, is_on in (("in", True), ("out", False)):
        Override.objects.create(flag=flag, unit=unit, is_on=is_on, actor="Ana", reason="Asked for it.", at=AT)
    later = make_flag("later", 100, starts_at=timezone.now() + timedelta(days=1))
    ruled = make_flag(
        "ruled", 0, rules=[{"if": [{"attribute": "workspace", "operator": "in", "values": ["w"]}], "then": True}]
    )
    with cohorts.measured("context"):
        assert [cohorts.exposed(flag.name, unit) for unit in ("in", "out", "drawn")] == [True, False, True]
        assert not cohorts.exposed(later.name, "u")
        assert cohorts.exposed(ruled.name, "u", workspace="w")
        assert not cohorts.exposed(ruled.name, "v", workspace="other")
        assert not cohorts.exposed("unknown", "u")
        assert not cohorts.exposed(flag.name)
    collect(AT)
    assert (stored(flag), stored(later), stored(ruled)) == ({"drawn": (True, 1)}, {}, {"v": (False, 1)})


def test_on_for_everyone_is_exposed_and_off_is_what_units_did_before() -> None:
    on, off = make_flag("on", 10, everyone=True), make_flag("off", 10, everyone=False)
    with cohorts.measured("context"):
        assert cohorts.exposed(on.name, "u")
        assert not cohorts.exposed(off.name, "u")
    collect(AT)
    assert (stored(on), stored(off)) == ({"u": (True, 1)}, {"u": (False, 1)})


def test_a_flag_takes_the_unit_that_it_draws() -> None:
    of_workspaces, of_conversations = make_flag("w", 100, unit="workspace"), make_flag("c", 100, unit="conversation")
    for flag in (of_workspaces, of_conversations):
        assert cohorts.exposed(flag.name, "user", workspace="acme", conversation="c9")
    collect(AT)
    assert (stored(of_workspaces), stored(of_conversations)) == ({"acme": (True, 0)}, {"c9": (True, 0)})
    assert set(CohortUnit.objects.values_list("workspace", flat=True)) == {"acme"}


def test_an_outcome_of_a_batch_counts_while_the_flag_still_says_the_same() -> None:
    flag = make_flag(percent=100)
    cohorts.outcome(flag.name, "u", True, 0.1, False, "acme")
    cohorts.outcome(flag.name, "u", False, 0.1, False)
    collect(AT)
    assert stored(flag) == {"u": (True, 1)}


def test_scopes_of_threads_and_scopes_in_scopes_measure_by_themselves() -> None:
    flag = make_flag(percent=100)
    snapshot.current()

    def request(unit: str) -> None:
        with cohorts.measured("context"):
            cohorts.exposed(flag.name, unit)

    with cohorts.measured("job"):
        cohorts.exposed(flag.name, "outer")
        request("inner")
        threads = [threading.Thread(target=copy_context().run, args=(request, f"t{n}")) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        cohorts.exposed(flag.name, "later")
    collect(AT)
    assert stored(flag) == dict.fromkeys(("outer", "inner", "later", "t0", "t1", "t2", "t3"), (True, 1))


def test_arms_have_series_and_responses_have_one_over_all_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "_series", {})
    half, full = make_flag("half", 50), make_flag("full", 100)
    salt = half.salt
    exposed_unit = next(unit for unit in UNITS if rollout.is_on("half", unit))
    control_unit = next(unit for unit in UNITS if not rollout.is_on("half", unit))
    recorded()
    for unit, failed in ((exposed_unit, True), (control_unit, False)):
        scope = cohorts.begin("chat.response")
        cohorts.exposed(full.name, unit)  # everybody has it: that splits nobody
        cohorts.exposed(half.name, unit)
        cohorts.finish(scope, 0.1, failed)
    scope = cohorts.begin("chat.response")
    cohorts.exposed(full.name, exposed_unit)
    cohorts.finish(scope, 0.1, False)
    seen = recorded()
    assert half.salt == salt
    counts = {name: sketch.count for name, sketch in seen.latencies.items()}
    assert counts == {
        "cohort.half.exposed": 1,
        "cohort.half.control": 1,
        "cohort.full.exposed": 3,
        "chat.response.exposed": 1,
        "chat.response.control": 1,
    }
    errors = {name: n for name, n in seen.counters.items() if name.endswith(".errors")}
    assert errors == dict.fromkeys(
        ("cohort.half.exposed.errors", "cohort.full.exposed.errors", "chat.response.exposed.errors"), 1
    )


def test_many_flags_leave_room_for_other_series(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded()
    monkeypatch.setattr(series, "_series", {})
    monkeypatch.setattr(series, "SERIES_LIMIT", 2)
    with cohorts.measured("context"):
        for name in ("a", "b", "c", "x" * 100):
            cohorts.exposed(make_flag(name, 100).name, "u")
    metrics.count("other")
    collect(AT)
    seen = drain()
    assert {name for name in seen.latencies if name.startswith("cohort.")} == {"cohort.a.exposed", "cohort.b.exposed"}
    assert CohortUnit.objects.count() == 4
