from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from monitoring.metrics import observe, read, snapshot
from monitoring.metrics.blob import KEY
from monitoring.metrics.read import Span
from monitoring.metrics.requests import answered
from monitoring.metrics.store import retain
from monitoring.metrics.store.lease import Lease
from monitoring.metrics.store.rollup import redo
from monitoring.metrics.store.write import write
from monitoring.models import Hour, MinuteChunk, Series, SlowRequest
from monitoring.tracing import trace
from tests.chaos.workers import environment
from tests.monitoring.blobs import NOON, aggregator, client, make_blob, moment, push
from tests.monitoring.processes import Forked, flusher, without_flusher

pytestmark = pytest.mark.django_db
HOLDER_SQL = """
SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND application_name LIKE 'holdfast-aggregator:%'
"""
MINUTE = Span(moment(NOON), moment(NOON + 60), 10)


@pytest.fixture(autouse=True)
def days(db: None) -> None:
    retain.make_partitions(now=NOON)


def waiting() -> int:
    """Blobs in the list. The process of the tests may send some too."""
    mine = f":{os.getpid()}:".encode()
    return sum(mine not in each for each in client().lrange(KEY, 0, -1))


def test_a_tick_stores_what_waits_and_empties_the_list() -> None:
    push(make_blob(NOON, latencies={"a": [0.1, 0.1]}, counters={"b": 3}, gauges={"c": 7}))
    aggregator(now=NOON).tick(NOON + 2)
    assert waiting() == 0
    assert read.counts(["a", "b"], MINUTE) == {"a": [2, 0, 0, 0, 0, 0], "b": [3, 0, 0, 0, 0, 0]}
    assert read.gauges(["c"], MINUTE) == {"c": [7, None, None, None, None, None]}
    assert set(Series.objects.values_list("name", "kind")) == {("a", "latency"), ("b", "counter"), ("c", "gauge")}


def test_a_blob_pushed_twice_counts_once() -> None:
    first, second = make_blob(NOON, 1, counters={"a": 1}), make_blob(NOON + 1, 2, counters={"a": 1})
    push(first, first, second, first)
    leader = aggregator(now=NOON)
    leader.tick(NOON + 2)
    push(second)
    leader.tick(NOON + 3)
    assert read.total(["a"], MINUTE) == 2
    assert waiting() == 0


def test_a_crash_between_storing_and_removing_neither_loses_nor_doubles() -> None:
    blob = make_blob(NOON, counters={"a": 1}, latencies={"b": [0.1]})
    push(blob)
    write([blob], now=NOON + 1)  # committed, then killed before the list was cut
    assert waiting() == 1
    aggregator(now=NOON).tick(NOON + 2)
    assert (read.total(["a"], MINUTE), read.total(["b"], MINUTE)) == (1, 1)
    assert read.quantile(["b"], MINUTE, 0.5) == pytest.approx(0.1, rel=0.0109)
    assert waiting() == 0


def test_a_crash_before_the_commit_leaves_the_blobs_where_they_are() -> None:
    push(make_blob(NOON, counters={"a": 1}))
    with transaction.atomic():
        write([make_blob(NOON, counters={"a": 1})], now=NOON + 1)
        transaction.set_rollback(True)
    aggregator(now=NOON).tick(NOON + 2)
    assert read.total(["a"], MINUTE) == 1


def test_what_was_pushed_meanwhile_stays_although_a_full_list_was_cut_at_its_head() -> None:
    leader = aggregator(now=NOON)
    push(make_blob(NOON, 1), make_blob(NOON, 2), make_blob(NOON, 3))
    read_before = leader._waiting()[:2]
    client().ltrim(KEY, 1, -1)
    leader._remove(read_before)
    assert waiting() == 1


def test_a_malformed_blob_is_left_out_and_the_others_are_stored(caplog: pytest.LogCaptureFixture) -> None:
    client().rpush(KEY, b"nonsense")
    push(make_blob(NOON, counters={"a": 1}))
    aggregator(now=NOON).tick(NOON + 2)
    assert read.total(["a"], MINUTE) == 1
    assert waiting() == 0
    assert "aggregator=malformed" in caplog.text


def test_a_late_blob_changes_its_second_its_minute_and_its_hour() -> None:
    leader = aggregator(now=NOON)
    push(make_blob(NOON, 1, counters={"a": 1}, latencies={"b": [0.1]}))
    leader.tick(NOON + 2)
    leader.tick(NOON + 3603)
    assert (MinuteChunk.objects.get(series__name="a").sums[0], Hour.objects.get(series__name="a").sum) == (1, 1)
    assert leader.late == 0
    push(make_blob(NOON + 1, process="slow", counters={"a": 5}, latencies={"b": [0.1] * 3}))
    leader.tick(NOON + 3604)
    slot = Series.objects.get(name="a").slot
    assert MinuteChunk.objects.get(series=slot).sums[:2] == [6, None]
    assert Hour.objects.get(series=slot).sum == 6
    assert read.total(["a", "b"], Span(moment(NOON), moment(NOON + 7200), 7200)) == 10
    assert leader.late == 1


def test_redoing_a_minute_changes_nothing() -> None:
    leader = aggregator(now=NOON)
    push(make_blob(NOON, 1, counters={"a": 1}, latencies={"b": [0.1]}))
    leader.tick(NOON + 2)
    leader.tick(NOON + 3603)
    before = [list(model.objects.values()) for model in (MinuteChunk, Hour)]
    redo([NOON, NOON + 60])
    assert [list(model.objects.values()) for model in (MinuteChunk, Hour)] == before


@pytest.mark.parametrize("second", [NOON - 13 * 3600, NOON + 3600])
def test_a_blob_of_a_wrong_clock_is_left_out(second: int) -> None:
    push(make_blob(second, counters={"a": 1}))
    aggregator(now=NOON).tick(NOON)
    assert waiting() == 0
    assert read.names("") == []


def test_a_pause_of_the_aggregator_is_rolled_up_when_it_returns() -> None:
    leader = aggregator(now=NOON)
    push(make_blob(NOON, 1, counters={"a": 1}))
    leader.tick(NOON + 1)
    push(*(make_blob(NOON + second, second, counters={"a": 1}) for second in range(10, 4000, 10)))
    aggregator(now=NOON).tick(NOON + 5 * 3600)
    aggregator(now=NOON).tick(NOON + 5 * 3600 + 1)
    assert list(Hour.objects.order_by("hour").values_list("sum", "samples")) == [(360, 360), (40, 40)]


def web(samples: list[float]) -> None:
    """What two threads of a web process record."""

    def thread(mine: list[float]) -> None:
        for seconds in mine:
            answered("x", seconds, trace.begin(), method="GET", status=200)

    threads = [threading.Thread(target=thread, args=(samples[half::2],)) for half in (0, 1)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def worker(samples: list[float]) -> None:
    for seconds in samples:
        observe("operation.x", seconds)


def test_percentiles_over_four_web_and_four_worker_processes_are_those_of_all_samples() -> None:
    """Although one was killed, and one flush was sent twice."""
    samples = [[random.Random(n).lognormvariate(-4, 1) for _ in range(2_000)] for n in range(8)]

    def work(number: int) -> Callable[[Callable[[Any], None]], None]:
        def child(say: Callable[[Any], None]) -> None:
            without_flusher()
            mine = flusher(second=NOON + number)
            (web if number < 4 else worker)(samples[number])
            assert mine.flush()
            if number == 7:
                observe("operation.x", 1_000.0)  # recorded after its last flush: lost with it
                say("flushed")
                signal.pause()
            say("flushed")

        return child

    processes = [Forked(work(number)) for number in range(8)]
    assert [process.hear() for process in processes] == ["flushed"] * 8
    processes[7].kill()
    assert [process.end() for process in processes] == [*[0] * 7, -signal.SIGKILL]
    client().rpush(KEY, client().lindex(KEY, 1))  # type: ignore[arg-type]
    aggregator(now=NOON).tick(NOON + 10)

    everything = sorted(seconds for each in samples for seconds in each)
    assert read.total(["operation.x"], MINUTE) == len(everything)
    for q in (0.5, 0.95, 0.99):
        exact = everything[round(q * len(everything)) - 1]
        assert read.quantile(["operation.x"], MINUTE, q) == pytest.approx(exact, rel=0.011)
        assert read.quantiles("operation.x", MINUTE)[q][0] == pytest.approx(exact, rel=0.011)
    slowest = [seconds for number in range(4) for seconds in samples[number]]
    kept = SlowRequest.objects.order_by("-seconds").values_list("seconds", flat=True)
    assert list(kept) == sorted(slowest, reverse=True)[:3]


def test_a_second_lease_waits_until_the_first_is_released() -> None:
    first, second = Lease(), Lease()
    try:
        assert (first.hold(), first.hold(), second.hold()) == (True, True, False)
        first.release()
        assert (second.hold(), first.hold()) == (True, False)
    finally:
        first.release()
        second.release()


def start_aggregator() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "manage.py", "aggregate"], cwd=settings.BASE_DIR, env=environment())


@pytest.fixture
def aggregators() -> Iterator[dict[int, subprocess.Popen[bytes]]]:
    started = {process.pid: process for process in (start_aggregator() for _ in range(3))}
    yield started
    for process in started.values():
        process.kill()
        process.wait()


def holder() -> int:
    """The process that has the lease, 0 for none."""
    with connection.cursor() as cursor:
        cursor.execute(HOLDER_SQL)
        row = cursor.fetchone()
    return int(row[0].split(":")[1]) if row else 0


def wait(until: Callable[[], Any], seconds: float) -> float:
    """How long it took."""
    began = time.monotonic()
    while not until():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - began


@pytest.mark.django_db(transaction=True)
def test_another_aggregator_takes_over_within_five_seconds(aggregators: dict[int, subprocess.Popen[bytes]]) -> None:
    wait(lambda: snapshot.latest(), 90)  # three processes start beside whatever else is tested
    leaders = [holder()]
    for how in (signal.SIGKILL, signal.SIGSTOP):
        aggregators[leaders[-1]].send_signal(how)
        # whoever stands by has started long ago, or takes over as soon as it has
        assert wait(lambda: holder() not in (0, *leaders), 5) < 5
        leaders.append(holder())
        client().delete(snapshot.KEY)
        wait(lambda: snapshot.latest(), 3)
    assert set(leaders) == set(aggregators)
    for process in aggregators.values():
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
    codes = {pid: process.wait(10) for pid, process in aggregators.items()}
    assert codes == {leaders[0]: -signal.SIGKILL, leaders[1]: 0, leaders[2]: 0}


def test_the_command_does_one_round(days: None) -> None:
    now = int(time.time())
    push(make_blob(now, counters={"a": 1}))
    call_command("aggregate", "--once")
    assert read.names("a") == ["a"]
    assert waiting() == 0
