from __future__ import annotations

import pytest
from django.test import override_settings

from monitoring.metrics import snapshot
from monitoring.metrics.blob import Blob
from monitoring.metrics.store import retain
from monitoring.metrics.store.write import write
from tests.monitoring.blobs import NOON, aggregator, client, make_blob, push

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def days(db: None) -> None:
    retain.make_partitions(now=NOON)


def test_a_snapshot_has_the_figures_of_the_last_10_and_60_seconds() -> None:
    blobs = [
        make_blob(NOON + at, at + 1, latencies={"l": [0.01] * 9 + [1.0]}, counters={"c": 2}, gauges={"g": at})
        for at in range(60)
    ]
    taken = take(*blobs, now=NOON + 63)
    assert taken.at == NOON + 63
    assert taken.series["c"].rate_10s == taken.series["c"].rate_60s == 2
    assert taken.series["g"].value == 59
    latency = taken.series["l"]
    assert (latency.kind, latency.rate_10s, latency.rate_60s) == ("latency", 10, 10)
    assert [latency.p50, latency.p95, latency.p99] == pytest.approx([0.01, 1.0, 1.0], rel=0.0109)


def test_a_series_that_paused_has_a_rate_of_zero_in_the_last_10_seconds() -> None:
    taken = take(make_blob(NOON, counters={"c": 30}), now=NOON + 33)
    assert (taken.series["c"].rate_10s, taken.series["c"].rate_60s) == (0, 0.5)


def test_a_snapshot_counts_the_processes_that_report_and_those_that_should() -> None:
    taken = take(
        make_blob(NOON + 58, process="reports"),
        make_blob(NOON + 20, process="was-killed"),
        make_blob(NOON + 20, process="said-good-bye", is_last=True),
        make_blob(NOON - 10, process="long-gone"),
        now=NOON + 60,
    )
    assert (taken.processes, taken.expected) == (1, 2)


def test_what_is_published_is_what_is_read_and_it_has_an_age() -> None:
    taken = take(make_blob(NOON, latencies={"l": [0.1]}, counters={"c": 1}, gauges={"g": 1}), now=NOON + 5)
    snapshot.publish(taken, client())
    found = snapshot.latest()
    assert found == taken
    assert found.age_s(NOON + 12.5) == 7.5


def test_fifty_series_take_a_few_kilobytes() -> None:
    figures = {f"operation.number_{n}": [0.012345] for n in range(25)}
    taken = take(make_blob(NOON, latencies=figures, counters={f"c{n}": 1 for n in range(25)}), now=NOON + 5)
    snapshot.publish(taken, client())
    assert len(client().get(snapshot.KEY) or b"") < 10_000


def test_the_aggregator_publishes_it_with_the_number_of_late_blobs() -> None:
    leader = aggregator(now=NOON)
    push(make_blob(NOON, 1, counters={"c": 1}))
    leader.tick(NOON + 2)
    leader.tick(NOON + 70)
    push(make_blob(NOON, process="slow", counters={"c": 1}))
    leader.tick(NOON + 71)
    found = snapshot.latest()
    assert found is not None
    assert (found.at, found.late) == (NOON + 71, 1)


def test_without_redis_or_before_the_first_one_there_is_no_snapshot() -> None:
    assert snapshot.latest() is None
    with override_settings(REDIS_URL="unix:///nonexistent/redis.sock"):
        assert snapshot.latest() is None


def take(*blobs: Blob, now: int) -> snapshot.Snapshot:
    write(blobs, now=now)
    return snapshot.take(now=now)
