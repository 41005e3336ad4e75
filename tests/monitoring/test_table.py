from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from monitoring.metrics import percentiles, read
from monitoring.metrics.operations import counted, operations, table
from monitoring.metrics.ranges import Span
from monitoring.metrics.store import retain
from monitoring.metrics.store.rollup import roll_up
from monitoring.metrics.store.write import write
from monitoring.models import LatencySketch, MinuteChunk, Watermark
from tests.monitoring.blobs import NOON, make_blob, moment
from tests.monitoring.operated import record_operations

pytestmark = pytest.mark.django_db
DAY_S = 86_400


@pytest.fixture(autouse=True)
def days(db: None) -> None:
    retain.make_partitions(now=NOON)


def hour_of_calls(start: int = NOON) -> dict[int, list[float]]:
    """What two operations took, by second; sealed two hours later."""
    chance = random.Random(5)
    took = {start + 7 * n: [chance.lognormvariate(-4, 0.7) for _ in range(3)] for n in range(500)}
    blobs = [
        make_blob(
            second,
            n,
            latencies={"operation.a": some, "job.b": some[:1]},
            counters={"operation.a.errors": 1, "job.b.failed": n % 2},
        )
        for n, (second, some) in enumerate(took.items(), start=1)
    ]
    roll_up(now=start + 7200, again=write(blobs, now=start + 3600).late_minutes)
    return took


@pytest.mark.parametrize("step_s", [10, 60, 120, 3600])
def test_steps_add_up_to_what_the_whole_reads(step_s: int) -> None:
    hour_of_calls()
    span = Span(moment(NOON), moment(NOON + 3600), step_s)
    names = ["operation.a", "job.b", "none"]
    stepped, whole = table(names, span, step_s=step_s), table(names, span)
    assert [stepped.total(name) for name in names] == [whole.total(name) for name in names] == [1500, 500, 0]
    for q in (0.0, 0.5, 0.95, 1.0):
        assert stepped.whole(q) == whole.whole(q)
        assert stepped.together(q) == whole.together(q) is not None
        assert stepped.lines(q) == {name: stepped.line(name, q) for name in names}


def test_an_operation_is_told_as_its_calls_were() -> None:
    took = hour_of_calls()
    span = Span(moment(NOON), moment(NOON + 3600), 30)
    a, b = sorted(operations(span, against=span, lasted_s=3600), key=lambda one: -one.count)
    slowest = sorted(seconds for some in took.values() for seconds in some)
    assert (a.name, a.count, a.errors, b.count, b.errors) == ("operation.a", 1500, 500, 500, 250)
    assert a.p95_s == pytest.approx(slowest[1424], rel=0.0109)
    assert a.before_s == a.p95_s
    assert len(a.line) == 30
    assert None not in a.line[:29]


def test_steps_narrower_than_what_is_kept_repeat_it_and_it_is_counted_once() -> None:
    start = NOON - NOON % DAY_S
    retain.make_partitions(now=start)
    hour_of_calls(start)
    later = start + 40 * DAY_S
    retain.prune(now=later)
    Watermark.objects.update(sealed_until=later)
    span = Span(moment(start), moment(start + 3600), 600)
    found = table(["operation.a"], span, step_s=600)
    assert LatencySketch.objects.filter(width__lt=3600).count() == MinuteChunk.objects.count() == 0
    assert found.per_step("operation.a") == [1500] * 6
    assert found.total("operation.a") == 1500
    assert found.line("operation.a", 0.5) == [found.whole(0.5)["operation.a"]] * 6
    assert len(found.heat("operation.a")[1][0]) == 6
    [_, a] = operations(span, lasted_s=3600)
    assert (a.count, a.rate) == (1500, 1500 / 3600)


@pytest.mark.parametrize("name", read.RANGES)
def test_a_span_is_compared_step_by_step_with_one_a_day_earlier(name: str) -> None:
    hour_of_calls()
    span = read.span(name, now=moment(NOON + 7200))
    earlier = Span(span.start - timedelta(days=1), span.end - timedelta(days=1), span.step_s)
    for each in (span, earlier, span.before()):
        found = table(["operation.a"], each, step_s=each.step_s)
        assert len(found.line("operation.a", 0.95)) == len(found.per_step("operation.a")) == each.points


def test_days_that_were_sealed_before_days_had_sketches_read_from_their_hours() -> None:
    day = NOON - NOON % DAY_S
    blobs = [make_blob(day + n * DAY_S + 7200, n + 1, latencies={"operation.a": [0.1] * (n + 1)}) for n in range(3)]
    for n, blob in enumerate(blobs):
        retain.make_partitions(now=blob.second)
        write([blob], now=blob.second)
        roll_up(now=day + (n + 1) * DAY_S + 60)
    span = Span(moment(day), moment(day + 4 * DAY_S), DAY_S)
    assert LatencySketch.objects.filter(width=DAY_S).count() == 3
    for gone in range(4):
        LatencySketch.objects.filter(width=DAY_S, start__lt=day + gone * DAY_S).delete()
        assert table(["operation.a"], span, step_s=DAY_S).per_step("operation.a") == [1, 2, 3, 0]
        assert read.quantile(["operation.a"], span, 0.5) == pytest.approx(0.1, rel=0.0109)


def test_who_knows_the_series_reads_the_same_with_one_query() -> None:
    hour_of_calls()
    span = Span(moment(NOON), moment(NOON + 3600), 60)
    known = read.known()
    alone = read.quantiles("operation.a", span, (0.5, 0.95))
    with CaptureQueriesContext(connection) as asked:
        found = percentiles.sketches(["operation.a", "job.b", "none"], span, known=known)
    assert len(asked) == 1
    assert {q: found.line("operation.a", q) for q in (0.5, 0.95)} == alone
    assert read.quantiles("operation.a", span, (0.5, 0.95), known=known) == alone
    both = ["operation.a", "job.b"]
    assert read.quantile(both, span, 0.9, known=known) == read.quantile(both, span, 0.9) is not None
    assert read.quantile([], span, 0.9) is None


def test_many_counters_add_up_over_every_tier() -> None:
    hour_of_calls(NOON - 1800)
    # the mark lies within the hour, so there are hours, minutes and seconds
    write([make_blob(NOON + 5400 + n, 1000 + n, counters={"job.b.failed": 1}) for n in range(5)], now=NOON + 5410)
    span = Span(moment(NOON - 1800), moment(NOON + 5410), 10)
    sums = counted(["operation.a.errors", "job.b.failed", "none"], span)
    assert sums == {"operation.a.errors": 500, "job.b.failed": 255, "none": 0}
    assert counted(["none"], span) == {"none": 0}


def test_the_page_reads_the_sketches_of_all_operations_once_for_each_time_it_shows() -> None:
    record_operations(now=timezone.now())
    client = Client()
    client.force_login(User.objects.create_superuser("op"))
    with CaptureQueriesContext(connection) as asked:
        assert client.get(reverse("latency"), {"range": "1h"}).status_code == 200
    merging = [query["sql"] for query in asked.captured_queries if "string_agg(packed" in query["sql"]]
    assert len(merging) == 4  # all operations, and the chosen one; now, and before
