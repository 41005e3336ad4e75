from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitoring.console import figures as console
from monitoring.console.figures import CONTEXT, FIRING, OLDEST, QUEUES, REQUESTS
from monitoring.metrics import read
from monitoring.metrics.ranges import Span
from monitoring.metrics.store import retain
from monitoring.metrics.store.rollup import roll_up
from monitoring.metrics.store.write import write
from monitoring.models import MinuteChunk, Watermark
from tests.monitoring.blobs import NOON, make_blob, moment

pytestmark = pytest.mark.django_db
NAMES = ["c", "g", "l", "never"]


@pytest.fixture(autouse=True)
def recorded(db: None) -> None:
    """Something each seventeen seconds from two hours before noon until twenty minutes after, rolled up until ten."""
    retain.make_partitions(now=NOON)
    Watermark.objects.update_or_create(pk=Watermark.ONLY, defaults={"sealed_until": NOON - 7200})
    blobs = [
        make_blob(
            second,
            n,
            latencies={"l": [0.01] * (n % 3), CONTEXT: [0.001 * (n % 90 + 1)]},
            counters={"c": n % 5, "cache.tool.hits": 3, REQUESTS: 2},
            gauges={"g": n % 11, OLDEST: n % 4, QUEUES[0]: n % 6, FIRING: n % 2},
        )
        for n, second in enumerate(range(NOON - 7200, NOON + 1200, 17), start=1)
    ]
    write(blobs, now=NOON + 1200)
    roll_up(now=NOON + 660)


@pytest.mark.parametrize(("step_s", "length_s"), [(10, 600), (30, 3600), (180, 3600), (720, 3600), (3600, 3600)])
def test_what_is_read_in_one_pass_is_what_each_reads_alone(step_s: int, length_s: int) -> None:
    end = NOON + 720 + -720 % step_s
    span = Span(moment(end - length_s), moment(end), step_s)
    before = span.before()
    found = read.figures(NAMES, Span(before.start, span.end, step_s), known=read.known())
    for part in (span, before):
        some = found.within(part)
        for name in NAMES:
            assert some.counts(name) == read.counts([name], part)[name]
            assert some.gauges(name) == read.gauges([name], part)[name]
        assert some.total(["c", "l"]) == read.total(["c", "l"], part)
    with pytest.raises(KeyError):
        found.counts("another")


def test_what_was_looked_up_once_is_not_looked_up_again() -> None:
    known = read.known()
    assert known.names("cache.") == read.names("cache.") == ["cache.tool.hits"]
    span = Span(moment(NOON - 720), moment(NOON + 720), 720)
    with CaptureQueriesContext(connection) as asked:
        read.figures(NAMES, span, known=known)
    assert len(asked) == 2  # minutes, and the seconds after them
    with CaptureQueriesContext(connection) as asked:
        read.figures(["never"], span, known=known)
    assert len(asked) == 0


def test_minutes_that_have_nothing_count_for_nothing() -> None:
    chunk = MinuteChunk.objects.get(series__name="g", hour=NOON - 3600)
    chunk.sums[:30], chunk.samples[:30] = [None] * 30, [None] * 30
    chunk.save()
    total, samples = (sum(value or 0 for value in line) for line in (chunk.sums, chunk.samples))
    span = Span(moment(NOON - 3600), moment(NOON), 1800)
    first, second = read.gauges(["g"], span)["g"]
    assert first is None
    assert second == pytest.approx(total / samples)


def test_the_console_compares_a_span_with_the_one_before_as_if_each_were_read_alone() -> None:
    now = moment(NOON + 723)
    span = Span(moment(NOON - 2880), moment(NOON + 720), 720)
    figures, before = console.compared(span, now=now, known=read.known())
    assert (figures.span, before.span) == (span, span.before())
    assert figures.counts[REQUESTS] == read.counts([REQUESTS], span)[REQUESTS]
    assert before.total(REQUESTS) == read.total([REQUESTS], before.span)
    assert figures.gauges[OLDEST] == read.gauges([OLDEST], span)[OLDEST]
    assert figures.latency == read.quantiles(CONTEXT, span)
    assert [each.p95_s for each in (figures, before)] == [
        read.quantile([CONTEXT], each, 0.95) for each in (span, before.span)
    ]
    assert figures.caches == ["tool"]
    alone = console.gather(span, now=now, known=read.known())
    assert (alone.counts, alone.gauges, alone.p95_s) == (figures.counts, figures.gauges, figures.p95_s)


def test_one_quantile_of_some_series_of_a_table_is_theirs_together() -> None:
    span = Span(moment(NOON - 3600), moment(NOON), 720)
    found = read.table(["l", CONTEXT, "never"], span, step_s=720)
    for names in (["l"], ["l", CONTEXT], [CONTEXT, "never"]):
        assert read.together(found, names, 0.95) == read.quantile(names, span, 0.95)
    assert read.together(found, ["never"], 0.95) is None
