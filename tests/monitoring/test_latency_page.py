from __future__ import annotations

import random
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from monitoring.metrics.blob import Blob
from monitoring.metrics.operations import Operation
from monitoring.metrics.record import Delta
from monitoring.metrics.sketch import Sketch
from monitoring.metrics.store.retain import make_partitions
from monitoring.metrics.store.rollup import roll_up
from monitoring.metrics.store.write import write
from monitoring.models import SlowRequest
from monitoring.tracing.slow import Slow
from monitoring.views.latency.board import Board, slower, split
from tests.monitoring.recorded import publish

EVERY_S = 360


def record(*, now: datetime, slower_by: float = 1.5) -> None:
    """Two hours of three operations; in the second one p95 of `assemble_context` is `slower_by` times what it was."""
    moment = int(now.timestamp())
    for hours in (0, 2):
        make_partitions(now=moment - 3600 * hours)
    chance = random.Random(3)
    blobs = [
        Blob("web:1:a", n + 1, second, _delta(chance, slower_by if second >= moment - 3600 else 1.0))
        for n, second in enumerate(range(moment - 7200, moment - 4, EVERY_S))
    ]
    slow = Slow(
        "operation.assemble_context", 0.9, moment - 300.0, "a" * 32, "req-7fa2c1", method="POST", status=503,
        is_failed=True, parts={"database": (0.6, 14), "provider": (0.1, 1), "own": (0.2, 1)},
    )  # fmt: skip
    last = Blob("web:1:a", len(blobs) + 1, moment, slow=[slow])
    roll_up(now=moment, again=write([*blobs, last], now=moment).late_minutes)
    publish(now=now)


def _delta(chance: random.Random, by: float) -> Delta:
    def some(median: float, n: int) -> Sketch:
        return Sketch.of(chance.uniform(0.5, 1.5) * median for _ in range(n))

    latencies = {
        "operation.assemble_context": some(0.02 * by, 360),
        "operation.jobs.get": some(0.004, 60),
        "job.process_messages": some(0.2, 24),
        "cache.context.get": some(0.0001, 20),
        "requests": some(0.01, 35),
    }
    return Delta(latencies, {"operation.assemble_context.errors": 36.0}, {})


@pytest.fixture
def ops(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("ops"))
    return client


def board_of(answer: Any) -> Board:
    page: Board = answer.context_data["page"]
    return page


def names(answer: Any) -> list[str]:
    return [line.of.name for line in board_of(answer).lines]


def test_every_operation_has_a_line_with_rate_errors_percentiles_and_what_changed(ops: Client) -> None:
    record(now=timezone.now())
    answer = ops.get("/latency/")
    assert names(answer) == ["job.process_messages", "operation.assemble_context", "operation.jobs.get"]
    line = board_of(answer).lines[1]
    assert line.of.rate == pytest.approx(1.0, rel=0.05)
    assert line.of.error_share == pytest.approx(0.1, rel=0.05)
    assert line.of.p50_s == pytest.approx(0.03, rel=0.1)
    assert line.of.p95_s == pytest.approx(0.03 * 1.45, rel=0.05)
    assert (line.delta.text.split(" %")[1], line.delta.tone) == (" slower", "warn")
    assert line.of.change == pytest.approx(0.5, abs=0.06)
    assert sum(value is not None for value in line.of.line) >= 10
    text = answer.content.decode()
    assert "3 operations, 1 slower than before; slowest p95 is process_messages" in text
    assert text.count('class="spark"') == 3


JOB, CONTEXT, JOBS = "job.process_messages", "operation.assemble_context", "operation.jobs.get"


def test_the_url_sorts_and_filters_and_nonsense_in_it_is_ignored(ops: Client) -> None:
    record(now=timezone.now())
    assert names(ops.get("/latency/?sort=name")) == [JOB, CONTEXT, JOBS]
    assert names(ops.get("/latency/?sort=-name")) == [JOBS, CONTEXT, JOB]
    assert names(ops.get("/latency/?sort=-rate")) == [CONTEXT, JOBS, JOB]
    assert names(ops.get("/latency/?sort=p95")) == [JOBS, CONTEXT, JOB]
    assert names(ops.get("/latency/?sort=-change&kind=web")) == [CONTEXT, JOBS]
    none = ops.get("/latency/?kind=providers")
    assert (names(none), "No call of this kind in this range" in none.content.decode()) == ([], True)
    nonsense = ops.get("/latency/?sort=<b>&kind=<b>&compare=<b>&operation=<b>")
    assert names(nonsense) == [JOB, CONTEXT, JOBS]
    assert "<b>&" not in nonsense.content.decode()


def test_a_chosen_operation_has_its_charts_and_its_slowest_calls(ops: Client) -> None:
    record(now=timezone.now())
    answer = ops.get("/latency/?operation=operation.assemble_context")
    detail = board_of(answer).detail
    assert detail is not None
    assert [len(chart.spec["series"]) for chart in list(detail.charts.values())[:2]] == [4, 2]
    assert detail.charts["percentiles"].lines[3].name == "p95 before"
    heat = detail.charts["spread"].spec["heat"]
    assert sum(n or 0 for row in heat["z"] for n in row) == pytest.approx(3600, rel=0.05)
    [(slow, parts)] = detail.slow
    assert (slow.status, slow.trace_id, [part.name for part in parts]) == (
        503,
        "a" * 32,
        ["database", "provider", "own"],
    )
    text = answer.content.decode()
    assert 'style="--v: 66.7%"' in text
    assert "req-7fa2c1" in text


def test_the_period_that_is_compared_with_is_chosen_by_the_url(ops: Client) -> None:
    record(now=timezone.now())
    for compare, series in (("before", 4), ("1d", 4), ("7d", 4), ("off", 3)):
        answer = ops.get(f"/latency/?compare={compare}&operation={CONTEXT}")
        detail = board_of(answer).detail
        assert detail is not None
        assert len(detail.charts["percentiles"].spec["series"]) == series
        assert ("p95 change" in answer.content.decode()) == (compare != "off")


def test_every_range_can_be_read(ops: Client) -> None:
    record(now=timezone.now())
    for name, calls in (("15m", 120), ("6h", 1200), ("24h", 1200), ("7d", 1200), ("30d", 1200), ("13mo", 1200)):
        chosen = board_of(ops.get(f"/latency/?range={name}&operation={JOBS}")).detail
        assert chosen is not None
        assert chosen.of.count == pytest.approx(calls, abs=60)


def test_before_the_first_call_the_page_says_what_to_do(ops: Client) -> None:
    text = ops.get("/latency/").content.decode()
    assert "No call in this range" in text
    assert "POST /api/v1/context" in text


def test_the_figures_of_all_operations_cost_the_same_few_queries_however_many_there_are(
    ops: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    now = timezone.now()
    record(now=now)
    with django_assert_max_num_queries(22):
        ops.get("/latency/")
    moment = int(now.timestamp())
    many = {f"operation.more-{n}": Sketch.of([0.01 * n]) for n in range(1, 40)}
    roll_up(now=moment, again=write([Blob("web:2:a", 1, moment - 100, Delta(many, {}, {}))], now=moment).late_minutes)
    cache.clear()
    with django_assert_max_num_queries(22):
        assert len(names(ops.get("/latency/"))) == 42


def test_a_viewer_whose_page_did_not_change_gets_304(ops: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    record(now=now)
    first = ops.get("/latency/live/?sort=rate")
    assert (first.status_code, "<html" in first.content.decode()) == (200, False)
    assert ops.get("/latency/live/?sort=rate", headers={"If-None-Match": first["ETag"]}).status_code == 304


@pytest.mark.parametrize("path", ["/latency/", "/latency/live/"])
def test_strangers_are_sent_to_sign_in(client: Client, db: None, path: str) -> None:
    assert client.get(path)["Location"] == f"/sign-in/?next={path}"


def test_parts_that_ran_side_by_side_fill_the_bar_and_no_more() -> None:
    slow = SlowRequest(seconds=0.1, parts={"provider": [0.3, 3], "own": [0.0, 1], "disk": [0.1, 1]})
    assert [(part.name, round(part.share)) for part in split(slow)] == [("provider", 75), ("own", 0), ("disk", 25)]


def test_a_change_of_few_calls_is_told_and_not_tinted() -> None:
    few = Operation("operation.x", "web", 5, 0, 0.1, 0.1, 0.3, 0.3, before_s=0.1)
    assert (slower(few).text, slower(few).tone) == ("200 % slower", "")
