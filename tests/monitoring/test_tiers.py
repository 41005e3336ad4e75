from __future__ import annotations

import math
import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitoring.metrics import read
from monitoring.metrics.blob import Blob
from monitoring.metrics.store import retain
from monitoring.metrics.store.rollup import SEAL_AFTER_S, roll_up
from monitoring.metrics.store.write import write
from monitoring.models import Hour, LatencySketch, MinuteChunk, Process, Watermark
from tests.monitoring.blobs import NOON, make_blob, moment

pytestmark = pytest.mark.django_db
DAY_S = retain.DAY_S


def store(*blobs: Blob, now: int) -> None:
    """As the aggregator would have, in time; days on which nothing was recorded are passed over."""
    first = min(blob.second for blob in blobs)
    Watermark.objects.update_or_create(pk=Watermark.ONLY, defaults={"sealed_until": first - first % 3600})
    days: dict[int, dict[int, list[Blob]]] = {}
    for blob in blobs:
        days.setdefault(blob.second // DAY_S * DAY_S, {}).setdefault(blob.second // 3600, []).append(blob)
    for day, hours in sorted(days.items()):
        retain.make_partitions(now=day)
        Watermark.objects.filter(sealed_until__lt=day).update(sealed_until=day)
        for hour in sorted(hours):
            write(hours[hour], now=min(now, hour * 3600 + 3600))
        roll_up(now=min(now, day + DAY_S + SEAL_AFTER_S))
    Watermark.objects.update(sealed_until=(now - SEAL_AFTER_S) // 60 * 60)


@pytest.mark.parametrize("name", read.RANGES)
def test_every_range_reads_right_just_after_the_data(name: str) -> None:
    now = NOON + 1_234
    length, step = read.RANGES[name]
    span = read.span(name, now=moment(now))
    chance = random.Random(11)
    samples: dict[int, list[float]] = {}
    blobs = []
    for n, second in enumerate(spells(chance, int(span.start.timestamp()), until=now - 5), start=1):
        samples[second] = [chance.lognormvariate(-4, 0.5) for _ in range(3)]
        figures = {"c": 2.0, "once": float(n == 1)}
        blobs.append(make_blob(second, n, latencies={"l": samples[second]}, counters=figures, gauges={"g": second % 7}))
    store(*blobs, now=now)

    assert span.points == length // step
    origin = int(span.start.timestamp())
    in_steps: list[list[int]] = [[] for _ in range(span.points)]
    for second in samples:
        if 0 <= (second - origin) // step < span.points:
            in_steps[(second - origin) // step].append(second)
    assert read.counts(["c", "l", "never"], span) == {
        "c": [2 * len(seconds) for seconds in in_steps],
        "l": [3 * len(seconds) for seconds in in_steps],
        "never": [0] * span.points,
    }
    means = [sum(second % 7 for second in seconds) / len(seconds) if seconds else None for seconds in in_steps]
    assert read.gauges(["g"], span)["g"] == [None if mean is None else pytest.approx(mean) for mean in means]
    p95 = [nearest(seconds, samples, 0.95) for seconds in in_steps]
    assert read.quantiles("l", span)[0.95] == [None if q is None else pytest.approx(q, rel=0.0109) for q in p95]
    whole = [second for seconds in in_steps for second in seconds]
    assert read.quantile(["l", "never"], span, 0.5) == pytest.approx(nearest(whole, samples, 0.5), rel=0.0109)
    assert read.total(["c", "l"], span) == 5 * len(whole)


def spells(chance: random.Random, start: int, *, until: int) -> list[int]:
    """Seconds, in order: two minutes here and there from two hours before `start`, across it, and the last ones."""
    length = 120
    begins = [chance.randrange(start - 7_200, until - length) for _ in range(10)]
    begins += [start - length // 2, until - length]
    return sorted({begin + offset for begin in begins for offset in range(0, length, 10)})


def nearest(seconds: list[int], samples: dict[int, list[float]], q: float) -> float | None:
    """The exact quantile by nearest rank."""
    values = sorted(value for second in seconds for value in samples[second])
    return values[max(1, math.ceil(round(q * len(values), 9))) - 1] if values else None


@pytest.mark.parametrize("name", read.RANGES)
@pytest.mark.parametrize("offset", [0, 1, 3, 59, 61, 1_799, 3_601, 5_000])
def test_a_span_is_made_of_whole_steps_and_ends_about_now(name: str, offset: int) -> None:
    span = read.span(name, now=moment(NOON + offset))
    length, step = read.RANGES[name]
    assert (span.step_s, span.points) == (step, length // step)
    assert span.end.timestamp() % step == span.start.timestamp() % step == 0
    assert -step - 3 < span.end.timestamp() - (NOON + offset) <= step
    before = span.before()
    assert (before.end, before.points, before.step_s) == (span.start, span.points, step)


def test_an_unknown_range_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="one of 15m, 1h, 6h, 24h, 7d, 30d, 13mo, got '2h'"):
        read.span("2h", now=moment(NOON))


def test_gaps_are_zero_for_counts_and_unknown_for_gauges_and_quantiles() -> None:
    blobs = [make_blob(NOON + at, at + 1, latencies={"l": [0.1]}, counters={"c": 1}, gauges={"g": 5}) for at in (0, 25)]
    store(*blobs, now=NOON + 30)
    span = read.Span(moment(NOON), moment(NOON + 40), 10)
    assert read.counts(["c"], span) == {"c": [1, 0, 1, 0]}
    assert read.gauges(["g"], span) == {"g": [5, None, 5, None]}
    assert [q is None for q in read.quantiles("l", span)[0.5]] == [False, True, False, True]


def test_nothing_recorded_reads_as_nothing() -> None:
    span = read.span("1h", now=moment(NOON))
    assert read.counts(["a"], span) == {"a": [0] * 120}
    assert read.quantile(["a"], span, 0.95) is None
    assert read.total([], span) == 0


def test_seconds_that_are_not_rolled_up_go_to_the_step_that_they_are_in() -> None:
    """The watermark lies within a step of twelve minutes, and the seconds after it reach into the next."""
    store(make_blob(NOON, 1, counters={"c": 1}), now=NOON + 660)
    write([make_blob(NOON + at, at, counters={"c": 1}) for at in range(661, 740)], now=NOON + 740)
    span = read.Span(moment(NOON), moment(NOON + 1440), 720)
    assert read.counts(["c"], span) == {"c": [1 + 59, 20]}


def test_a_name_keeps_its_kind_across_processes_and_slots_are_not_reused() -> None:
    store(make_blob(NOON, counters={"a": 1}), now=NOON + 5)
    write([make_blob(NOON + 1, process="other", latencies={"a": [0.1]}, counters={"b": 1})], now=NOON + 5)
    span = read.Span(moment(NOON), moment(NOON + 10), 10)
    assert read.counts(["a", "b"], span) == {"a": [1], "b": [1]}
    assert read.names("") == ["a", "b"]


def test_partitions_are_made_for_yesterday_today_and_tomorrow_and_making_them_again_is_safe() -> None:
    retain.make_partitions(now=NOON)
    retain.make_partitions(now=NOON)
    days = {"monitoring_second_20260304", "monitoring_second_20260305", "monitoring_second_20260306"}
    assert days <= set(retain.partitions())


def test_pruning_drops_old_days_whole_and_keeps_the_last_24_hours() -> None:
    store(make_blob(NOON, counters={"c": 1}), now=NOON + 5)
    retain.prune(now=NOON + DAY_S - 60)
    assert "monitoring_second_20260305" in retain.partitions()
    retain.prune(now=NOON + 2 * DAY_S)
    assert "monitoring_second_20260305" not in retain.partitions()


def test_pruning_keeps_each_tier_as_long_as_promised() -> None:
    store(make_blob(NOON, latencies={"l": [0.1]}), now=NOON + 3_700)
    kept = []
    for age in (DAY_S - 3_600, DAY_S + 3_600, 30 * DAY_S + 3_700, 396 * DAY_S + 3_700):
        retain.prune(now=NOON + age)
        sketches = sorted(LatencySketch.objects.values_list("width", flat=True))
        kept.append((sketches, MinuteChunk.objects.count(), Hour.objects.count(), Process.objects.count()))
    assert kept == [
        ([10, 60, 3600], 1, 1, 1),
        ([60, 3600], 1, 1, 0),
        ([3600], 0, 1, 0),
        ([], 0, 0, 0),
    ]


def test_the_number_of_queries_does_not_grow_with_the_series() -> None:
    store(*(make_blob(NOON + at, at + 1, counters={f"c{n}": 1 for n in range(12)}) for at in range(60)), now=NOON + 90)
    span = read.span("15m", now=moment(NOON + 90))
    with CaptureQueriesContext(
        connection,
    ) as one:
        read.counts(["c0"], span)
    with CaptureQueriesContext(connection) as twelve:
        read.counts([f"c{n}" for n in range(12)], span)
    assert len(one) == len(twelve) == 2
