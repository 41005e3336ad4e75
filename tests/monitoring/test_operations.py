from __future__ import annotations

import time

import pytest
from django.core.management import call_command

from monitoring.metrics import read
from monitoring.metrics.operations import counted, table
from monitoring.metrics.ranges import Span
from monitoring.metrics.sketch import decode
from monitoring.metrics.store import retain
from monitoring.metrics.store.rollup import redo, roll_up
from monitoring.metrics.store.write import write
from monitoring.models import LatencySketch, MinuteChunk
from tests.monitoring.blobs import NOON, make_blob, moment

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def days(db: None) -> None:
    retain.make_partitions(now=NOON)


def test_a_day_has_a_sketch_of_its_own_and_what_comes_late_changes_it() -> None:
    day = NOON - NOON % 86_400
    retain.make_partitions(now=day + 86_400)
    write([make_blob(day + 7200, 1, latencies={"a": [0.1] * 9})], now=day + 7200)
    roll_up(now=day + 86_400 + 60)
    late = write([make_blob(day + 86_399, 2, latencies={"a": [5.0]})], now=day + 86_400 + 90)
    redo(late.late_minutes)
    [row] = LatencySketch.objects.filter(width=86_400)
    assert (row.start, sum(decode(bytes(row.packed)).values())) == (day, 10)
    month = Span(moment(day - 29 * 86_400), moment(day + 86_400), 21_600)
    assert table(["a", "none"], month).total("a") == 10
    assert table(["a"], month, step_s=86_400).line("a", 0.5)[-1] == pytest.approx(0.1, rel=0.011)
    assert counted(["a"], month) == {"a": 10}


def test_many_series_at_once_read_as_each_alone() -> None:
    blobs = [
        make_blob(NOON + 7 * n, n + 1, latencies={f"s{k}": [0.01 * (k + 1)] * (n % 5 + 1) for k in range(4)})
        for n in range(120)
    ]
    roll_up(now=NOON + 900, again=write(blobs, now=NOON + 900).late_minutes)
    names = [f"s{k}" for k in range(4)]
    for step_s, seconds in ((10, 600), (60, 840), (120, 840)):
        span = Span(moment(NOON), moment(NOON + seconds), step_s)
        found = table(names, span, step_s=step_s)
        for name in names:
            assert found.line(name, 0.95) == read.quantiles(name, span, (0.95,))[0.95]
            assert found.per_step(name) == read.counts([name], span)[name]
        assert table(names, span).whole(0.5) == {name: read.quantile([name], span, 0.5) for name in names}


def test_what_would_be_pruned_is_told_tier_by_tier_before_it_goes(capsys: pytest.CaptureFixture[str]) -> None:
    old = int(time.time()) - 40 * 86_400
    retain.make_partitions(now=old)
    write([make_blob(old, latencies={"a": [0.1]}, counters={"b": 1})], now=old)
    roll_up(now=old + 3600)
    call_command("metrics", "prune", "--dry-run")
    said = capsys.readouterr().out
    assert "seconds, kept 1 d: 6 partitions (monitoring_second_20260304" in said
    assert "minutes, kept 30 d: 2 rows" in said
    assert "hours, kept 396 d: 0 rows, 0 B" in said
    assert "sketches of 10 s, kept 1 d: 1 rows" in said
    assert MinuteChunk.objects.count() == 2
    call_command("metrics", "prune")
    assert "gone: " in capsys.readouterr().out
    assert (MinuteChunk.objects.count(), LatencySketch.objects.filter(width__lt=3600).count()) == (0, 0)
    assert sum(past.rows for past in retain.past(now=int(time.time()))) == 0
    call_command("metrics", "series", "a")
    assert capsys.readouterr().out == "latency  a\n"
