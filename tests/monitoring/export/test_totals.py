from __future__ import annotations

import pytest
from django.db import transaction

from monitoring.export import collect, text
from monitoring.export.names import named
from monitoring.metrics.store.retain import make_partitions, prune
from monitoring.metrics.store.write import write
from monitoring.models import Series, Total
from tests.monitoring.blobs import NOON, aggregator, make_blob, moment, push
from tests.monitoring.export import parsed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def days(db: None) -> None:
    make_partitions(now=NOON)


def exported() -> dict[str, float]:
    families = parsed.plain(text.prometheus(collect.collect(now=moment(NOON))))
    return {
        sample.name: sample.value
        for family in families
        for sample in family.samples
        if family.type in {"counter", "histogram"} and "le" not in sample.labels
    }


def test_counters_only_grow_over_a_repeated_flush_a_crash_and_another_aggregator() -> None:
    seen = [exported()]
    blobs = [make_blob(NOON + n, n + 1, counters={"a": 2}, latencies={"b": [0.1, 0.3]}) for n in range(4)]
    first, second = aggregator(now=NOON), aggregator(now=NOON)
    for leader, pushed in (
        (first, blobs[:1]),
        (first, [blobs[0], blobs[1]]),  # the answer of a flush got lost, so it came again
        (second, [blobs[1], blobs[2]]),  # another takes over, and meets what is stored already
        (first, [blobs[2], blobs[3]]),  # and the first wakes up late
    ):
        push(*pushed)
        leader.tick(NOON + 5)
        seen.append(exported())
    write([blobs[3]], now=NOON + 5)  # stored, then killed before the list was cut
    seen.append(exported())
    assert [each.get("holdfast_a_total", 0) for each in seen] == [0, 2, 4, 6, 8, 8]
    assert [each.get("holdfast_b_seconds_count", 0) for each in seen] == [0, 2, 4, 6, 8, 8]
    assert seen[-1]["holdfast_b_seconds_sum"] == pytest.approx(1.6)


def test_what_is_not_stored_is_not_in_the_totals_either() -> None:
    with transaction.atomic():
        write([make_blob(NOON, counters={"a": 2})], now=NOON)
        transaction.set_rollback(True)
    assert not Total.objects.exists()
    write([make_blob(NOON, counters={"a": 2})], now=NOON)
    assert exported()["holdfast_a_total"] == 2


def test_totals_outlive_every_tier_and_stay_exact_when_they_are_large() -> None:
    many = 2**24 + 1  # what the seconds' real[] can't tell from 2^24
    write([make_blob(NOON, counters={"a": many})], now=NOON)
    assert prune(now=NOON + 500 * 86_400)
    make_partitions(now=NOON)
    write([make_blob(NOON + 1, 2, counters={"a": 1})], now=NOON)
    assert exported()["holdfast_a_total"] == many + 1
    assert Total.objects.get().since == NOON


def test_series_of_one_name_and_those_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = dict.fromkeys(["one.thing", "one-thing", "thing", "two"], 1.0)
    latencies = {"thing": [0.1], "two.total": [0.1]}
    write([make_blob(NOON, counters=counters, latencies=latencies, gauges={"g": 1})], now=NOON)
    families = {family.name: family for family in collect.collect(now=moment(NOON))}
    assert len(families["holdfast_one_thing"].samples) == 1
    assert families["holdfast_export_dropped"].samples[0].value == 1
    monkeypatch.setattr(collect, "SERIES_MOST", 2)
    families = {family.name: family for family in collect.collect(now=moment(NOON))}
    assert families["holdfast_export_dropped"].samples[0].value == Total.objects.count() - 2 + 1


def test_names_are_clean_and_have_their_unit() -> None:
    latency, counter, gauge = Series.Kind.LATENCY, Series.Kind.COUNTER, Series.Kind.GAUGE
    told = {
        ("my-app.step.one", latency): ("holdfast_my_app_step_one_seconds", ()),
        ("orders.paid", counter): ("holdfast_orders_paid", ()),
        ("cache.context.bytes_raw", counter): ("holdfast_cache_raw_bytes", (("cache", "context"),)),
        ("lag_s", gauge): ("holdfast_lag_seconds", ()),
        ("breaker.provider.embed.opened", counter): ("holdfast_breaker_opened", (("breaker", "provider.embed"),)),
        ("operation.a.get", latency): ("holdfast_operation_seconds", (("operation", "a.get"),)),
        ("operation.a.errors", counter): ("holdfast_operation_errors", (("operation", "a"),)),
        ("queue.oldest_s", gauge): ("holdfast_oldest_job_seconds", ()),
    }
    for (series, kind), outside in told.items():
        found = named(series, kind)
        assert (found.family, found.labels) == outside, series
