from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from math import log

import pytest
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from flags import cohorts, snapshot
from flags.cohorts import courier, store
from flags.cohorts.blob import KEY, Finished
from flags.cohorts.courier import DROPPED, Courier
from flags.models import CohortMinute, CohortShare, CohortSource, CohortUnit
from flags.snapshot import Compiled
from monitoring.metrics.record import drain
from tests.flags.cohorts.make import AT, collect
from tests.flags.make import make_flag

pytestmark = pytest.mark.django_db

AWAY = "unix:///nonexistent/redis.sock"
Sums = dict[str, tuple[int, float, float, int, int]]


class Still(Courier):
    """One process's, whose thread doesn't run by itself."""

    def __init__(self, url: str = "") -> None:
        super().__init__(url=url)
        self.thread = threading.current_thread()


@st.composite
def requests(draw: st.DrawFn) -> list[tuple[str, float, bool]]:
    """Units, seconds and failures of one round."""
    one = st.tuples(st.sampled_from("abcdef"), st.floats(1e-5, 30), st.booleans())
    return draw(st.lists(one, max_size=12))


def finished(flag: Compiled, each: tuple[str, float, bool]) -> Finished:
    unit, seconds, failed = each
    return ((flag, unit, "acme", unit in "abc"),), seconds, failed, ""


def direct(flag: Compiled, all_of_them: Iterable[tuple[str, float, bool]]) -> Sums:
    sums: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0, 0, 0])
    for unit, seconds, failed in all_of_them:
        ln = log(max(seconds * 1000, 0.001))
        for place, value in enumerate((1, ln, ln * ln, seconds * 1000 > flag.slow_ms, failed)):
            sums[unit][place] += value
    return {unit: (int(n), ln, sq, int(slow), int(bad)) for unit, (n, ln, sq, slow, bad) in sums.items()}


def stored() -> Sums:
    fields = ("requests", "log_latency", "log_latency_sq", "slow", "errors")
    return {unit: tuple(sums) for unit, *sums in CohortUnit.objects.values_list("unit", *fields)}


@hypothesis_settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2), requests(), st.sampled_from(["sent", "away", "twice"])), max_size=10))
@example([(0, [("a", 0.1, False)], "away"), (0, [("a", 0.2, True)], "twice"), (1, [("a", 5.0, False)], "sent")])
def test_what_is_stored_equals_a_direct_computation(
    rounds: list[tuple[int, list[tuple[str, float, bool]], str]],
) -> None:
    client = redis.Redis.from_url(settings.REDIS_URL)
    CohortUnit.objects.all().delete()
    CohortMinute.objects.all().delete()
    if "enhanced" not in snapshot.current().flags:
        make_flag()
    flag = snapshot.current().flags["enhanced"]
    processes, collector = [Still() for _ in range(3)], cohorts.Collector()
    for number, some, how in rounds:
        process = processes[number]
        threads = [threading.Thread(target=process.keep, args=finished(flag, each)) for each in some]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        process._client = redis.Redis.from_url(AWAY) if how == "away" else None
        assert process.flush(AT.timestamp()) is (how != "away" or not process._pending)
        if how == "twice":  # the answer got lost, and all was sent again
            for blob in client.lrange(KEY, 0, -1):
                client.rpush(KEY, blob)
        if how != "away":
            collector.tick(int(AT.timestamp()))
    for process in processes:
        process._client = None
        assert process.flush(AT.timestamp())
    collector.tick(int(AT.timestamp()))
    wanted = direct(flag, [each for _, some, _ in rounds for each in some])
    assert stored() == {unit: pytest.approx(sums) for unit, sums in wanted.items()}
    arms = {row.is_exposed: (row.requests, row.errors) for row in CohortMinute.objects.all()}
    for is_exposed, units in ((True, "abc"), (False, "def")):
        rows = [sums for unit, sums in wanted.items() if unit in units]
        assert arms.get(is_exposed, (0, 0)) == (sum(row[0] for row in rows), sum(row[4] for row in rows))
    assert client.llen(KEY) == 0


def test_a_few_statements_store_any_number_of_units() -> None:
    flag = make_flag(percent=50)
    for number in range(3):
        cohorts.exposed(flag.name, f"u{number}")
    with CaptureQueriesContext(connection) as few:
        collect(AT)
    for number in range(5000):
        cohorts.exposed(flag.name, f"u{number}")
    with CaptureQueriesContext(connection) as many:
        collect(AT)
    assert CohortUnit.objects.count() == 5000
    assert len(many) == len(few) <= 16


def test_a_unit_in_both_arms_of_one_version_is_marked() -> None:
    make_flag(percent=50)
    flag = snapshot.current().flags["enhanced"]
    process = Still()
    for is_exposed in (True, False):
        process.keep(((flag, "torn", "", is_exposed),), 0.1, False)
        process.keep(((flag, "clean", "", True),), 0.1, False)
        assert process.flush(AT.timestamp())
    cohorts.Collector().tick(int(AT.timestamp()))
    assert dict(CohortUnit.objects.values_list("unit", "is_mixed")) == {"torn": True, "clean": False}


def test_what_cannot_be_stored_is_counted_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    known = make_flag(percent=100)
    flag = snapshot.current().flags["enhanced"]
    gone = replace(flag, id=known.pk + 1000)
    huge = replace(flag, version=1 << 40)
    for compiled, unit in ((flag, "nul\0"), (flag, "x" * 201), (gone, "u"), (huge, "u"), (flag, "good"), (flag, "ü ")):
        process = Still()
        process.keep(((compiled, unit, "", True),), 0.1, False)
        process.flush(AT.timestamp())
    process.keep(((flag, "late", "", True),), 0.1, False)
    process.flush((AT - timedelta(days=2)).timestamp())
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.rpush(KEY, b"[1,2]", b"no JSON")
    drain()
    cohorts.Collector().tick(int(AT.timestamp()))
    assert set(CohortUnit.objects.values_list("unit", flat=True)) == {"good", "ü "}
    assert client.llen(KEY) == 0
    assert drain().counters[DROPPED] == 4  # a version that is none, a wrong clock, and two that are no blobs
    monkeypatch.setattr(courier, "KEPT", 2)
    for _ in range(5):
        process.keep(((flag, "many", "", True),), 0.1, False)
    assert drain().counters[DROPPED] == 3


def test_redis_keeps_a_bounded_number_and_so_does_a_process_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    make_flag(percent=100)
    flag = snapshot.current().flags["enhanced"]
    monkeypatch.setattr(courier, "LIST_LIMIT", 3)
    monkeypatch.setattr(courier, "PENDING_LIMIT", 2)
    away, there = Still(AWAY), Still()
    for process in (away, there):
        for number in range(5):
            process.keep(((flag, f"u{number}", "", True),), 0.1, False)
            process.flush(AT.timestamp())
    assert len(away._pending) == 2
    cohorts.Collector().tick(int(AT.timestamp()))
    assert set(CohortUnit.objects.values_list("unit", flat=True)) == {"u2", "u3", "u4"}


def test_a_forked_child_sends_what_it_noted_and_nothing_of_its_parent() -> None:
    name = make_flag(percent=100).name
    flag = snapshot.current().flags[name]
    courier.keep(((flag, "parent", "", True),), None, False)
    child = os.fork()
    if not child:
        # no test of ours may run on in the child
        try:
            courier._courier.thread = threading.main_thread()  # its own might send first, by the clock of today
            courier.keep(((flag, "child", "", True),), None, False)
            os._exit(0 if cohorts.flush(AT.timestamp()) else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    cohorts.Collector().tick(int(AT.timestamp()))
    assert list(CohortUnit.objects.values_list("unit", flat=True)) == ["child"]
    collect(AT)
    assert CohortUnit.objects.filter(unit="parent").exists()


def test_what_is_old_is_dropped() -> None:
    flag = make_flag(percent=100)
    cohorts.exposed(flag.name, "u")
    collect(AT)
    assert store.prune(now=AT + timedelta(days=29)) == 0
    assert CohortSource.objects.count() == 0  # it said nothing for a day
    assert store.prune(now=AT + timedelta(days=31)) == 2
    assert CohortShare.objects.count() == 1


def test_the_aggregator_collects_each_second() -> None:
    flag = make_flag(percent=100)
    cohorts.exposed(flag.name, "u")
    assert cohorts.flush()
    call_command("aggregate", "--once")
    assert CohortUnit.objects.filter(flag=flag, unit="u").exists()
