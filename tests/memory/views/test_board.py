from __future__ import annotations

from typing import Any

import pytest

from memory.jobs.figures import Level
from memory.models import Priority
from memory.views.queues import board, charts, kpis
from memory.views.queues.series import COUNTED, LEVELS, Series
from monitoring.console.strip import Kpi, Verdict
from monitoring.metrics import read
from tests.monitoring.made import NOW

LIMIT = 1000


def make_levels(**changed: dict[str, Any]) -> list[Level]:
    """Five quiet levels, of which those named are different."""
    quiet = {"depth": 0, "running": 0, "oldest_s": 0.0}
    return [Level(int(p), p.name.lower(), **quiet | changed.get(p.name.lower(), {})) for p in Priority]


def make_series(**fields: Any) -> Series:
    span = read.span("1h", now=NOW)
    still = {level: [None] * span.points for level in LEVELS}
    defaults: dict[str, Any] = {
        "span": span,
        "counts": {f"queue.{level}.{what}": [0.0] * span.points for level in LEVELS for what in COUNTED},
        "depth": still,
        "oldest": [None] * span.points,
        "waits": still,
        "wait_p95_s": {"": None, "high": None},
    }
    return Series(**defaults | fields)


def verdict(dead: int = 0, **changed: dict[str, Any]) -> Verdict:
    return board.verdict(make_levels(**changed), dead=dead, limit=LIMIT)


def strip(levels: list[Level], series: Series, dead: int = 0) -> dict[str, Kpi]:
    return {kpi.key: kpi for kpi in kpis.all_of(levels, series, dead=dead, period="hour")}


def counted(**sums: float) -> dict[str, list[float]]:
    """Counters of the normal level, each with its sum in the first step."""
    counts = make_series().counts
    for what, total in sums.items():
        counts[f"queue.normal.{what}"][0] = total
    return counts


# --- the verdict


def test_an_empty_queue_keeps_up() -> None:
    assert verdict() == Verdict("Keeping up", "Nothing waits. No job is dead.")


def test_dead_letters_do_not_change_the_word_but_are_said() -> None:
    assert verdict(dead=3).sentence == "Nothing waits. 3 jobs died and wait for a decision."
    assert verdict(dead=1).sentence == "Nothing waits. 1 job died and waits for a decision."


def test_an_old_job_is_behind_and_says_when_it_will_be_done() -> None:
    given = verdict(bulk={"depth": 900, "oldest_s": 74.0, "out_rate": 15.0, "in_rate": 5.0, "drain_s": 90.0})
    assert given == Verdict("Behind", "The oldest bulk job waits for 74 s; bulk is done in 90 s.")


def test_an_old_job_that_no_worker_takes_is_stalled() -> None:
    given = verdict(normal={"depth": 12, "oldest_s": 61.0})
    assert given.word == "Stalled"
    assert given.sentence.startswith("12 jobs wait and no worker takes one")


def test_a_full_queue_refuses_the_least_urgent_and_says_that_critical_is_taken() -> None:
    given = verdict(bulk={"depth": 1500, "out_rate": 3.0})
    assert given == Verdict("Refusing", "1,500 jobs are open: new bulk and low jobs get 503. Critical ones are taken.")


@pytest.mark.parametrize(
    ("open_jobs", "refused"),
    [(999, []), (1000, ["bulk"]), (1500, ["bulk", "low"]), (3000, ["bulk", "low", "normal", "high"])],
)
def test_what_is_refused_follows_the_gate(open_jobs: int, refused: list[str]) -> None:
    assert board.refuses(open_jobs, LIMIT) == refused


# --- the table


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "empty"),
        ({"depth": 40, "out_rate": 5.0, "in_rate": 1.0, "drain_s": 10.0}, "in 10 s"),
        ({"depth": 40, "out_rate": 5.0, "in_rate": 17.3}, "grows by 12/s"),
        ({"depth": 40, "out_rate": 5.0, "in_rate": 5.0}, "steady"),
        ({"depth": 40}, "does not move"),
    ],
)
def test_the_drain_is_a_time_or_the_reason_why_there_is_none(fields: dict[str, Any], words: str) -> None:
    assert board.drain(make_levels(low=fields)[Priority.LOW]) == words


def test_a_level_is_compared_with_the_deepest_and_says_from_when_it_is_refused() -> None:
    levels = make_levels(normal={"depth": 30, "out_rate": 1.0}, bulk={"depth": 120, "oldest_s": 90.0})
    critical, _high, normal, _low, bulk = board.lines(levels, make_series(counts=counted(refused=7)), limit=LIMIT)
    assert (critical.word, critical.refused_from) == ("Idle", None)
    assert (normal.word, normal.share, normal.refused, normal.refused_from) == ("Keeping up", 0.25, 7, 2000)
    assert (bulk.word, bulk.share) == ("Behind", 1.0)


# --- the figures


def test_every_figure_stands_beside_another() -> None:
    found = strip(make_levels(), make_series())
    assert [kpi.key for kpi in found.values()] == ["open", "oldest", "in", "out", "wait", "failed", "dead"]
    assert all(kpi.delta.text for kpi in found.values())


def test_more_coming_than_going_is_a_warning_and_less_is_none() -> None:
    behind = strip(make_levels(bulk={"in_rate": 30.0, "out_rate": 15.0}), make_series())["out"]
    ahead = strip(make_levels(bulk={"in_rate": 15.0, "out_rate": 30.0}), make_series())["out"]
    assert (behind.value, behind.delta.text, behind.delta.tone) == ("15", "15/s behind", "warn")
    assert (ahead.delta.text, ahead.delta.tone) == ("15/s ahead", "")


def test_failed_runs_are_a_share_of_all_runs() -> None:
    found = strip(make_levels(), make_series(counts=counted(out=90, failed=8, dead=2)))
    assert (found["failed"].value, found["failed"].unit, found["failed"].delta.text) == ("10", "%", "10 of 100")
    assert found["failed"].colour == "crit"
    assert found["dead"].delta.text == "2 in this hour"


def test_an_old_job_is_over_its_limit() -> None:
    assert strip(make_levels(low={"oldest_s": 74.0}), make_series())["oldest"].delta.text == "over 60 s"
    assert strip(make_levels(), make_series())["oldest"].value == "None"


# --- the charts


def test_waits_of_milliseconds_and_minutes_are_drawn_on_one_scale() -> None:
    points = make_series().span.points
    still = [None] * points
    series = make_series(
        waits={level: still for level in LEVELS} | {"high": [0.006] * points, "bulk": [222.0] * points}
    )
    chart = charts.waits(series, [])
    assert chart.spec["log"]["ticks"] == [1, 10, 100, 1000, 10_000, 100_000, 1_000_000]
    assert chart.spec["log"]["words"] == ["1 ms", "", "100 ms", "", "10 s", "", "17m"]
    assert chart.label == "Wait, p95: high 6 ms, bulk 3m."
    assert [line.name for line in chart.legend] == ["high", "bulk"]


def test_a_queue_without_figures_names_the_call_that_makes_some() -> None:
    for draw in (charts.throughput, charts.waits, charts.depth):
        chart = draw(make_series(), [])
        assert chart.is_empty
        assert chart.call.startswith("POST /api/v1/")


def test_failures_are_drawn_only_where_there_are_some() -> None:
    assert [s["name"] for s in charts.throughput(make_series(counts=counted(out=9)), []).spec["series"]] == [
        "in",
        "done",
    ]
    with_failures = charts.throughput(make_series(counts=counted(out=9, failed=1)), [])
    assert [s["name"] for s in with_failures.spec["series"]] == ["in", "done", "failed"]
