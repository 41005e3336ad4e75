from __future__ import annotations

from datetime import timedelta

import pytest

from monitoring.console import charts
from monitoring.console.charts import Chart
from tests.monitoring.made import NOW, make_event, make_figures

LATENCY = {0.5: 0.031, 0.95: 0.0864, 0.99: 0.158}


def names(chart: Chart) -> list[str]:
    return [line.name for line in chart.legend]


def test_latency_is_drawn_in_milliseconds_and_said_in_a_sentence() -> None:
    chart = charts.latency(make_figures(latency=LATENCY), [])
    assert [series["y"][0] for series in chart.spec["series"]] == [31.0, 86.4, 158.0]
    assert chart.label == "Context latency: p50 31 ms, p95 86 ms, p99 158 ms now."
    assert [line.now for line in chart.legend] == ["31 ms", "86 ms", "158 ms"]


def test_the_spec_says_when_it_begins_and_how_far_its_points_are_apart() -> None:
    figures = make_figures(latency=LATENCY)
    spec = charts.latency(figures, []).spec
    assert spec["step"] == 30
    assert spec["t0"] == f"{figures.span.start:%Y-%m-%dT%H:%M:%SZ}"
    assert len(spec["series"][0]["y"]) == 120


def test_a_chart_without_data_names_the_call_that_makes_some() -> None:
    chart = charts.latency(make_figures(), [])
    assert chart.is_empty
    assert (chart.missing, chart.call) == ("No context call", "POST /api/v1/context")
    assert chart.label == "No context call in this range."
    assert chart.legend == []


def test_the_table_has_a_row_for_every_tenth_point_the_latest_first() -> None:
    figures = make_figures(latency=LATENCY)
    chart = charts.latency(figures, [])
    assert chart.columns == ["Time UTC", "p50, ms", "p95, ms", "p99, ms"]
    assert len(chart.rows) == 12
    assert chart.rows[0] == [f"{figures.moment(119):%H:%M}", "31", "86", "158"]
    assert chart.rows[1][0] == f"{figures.moment(109):%H:%M}"


def test_the_table_of_a_week_names_the_day() -> None:
    figures = make_figures(range_name="7d", latency=LATENCY)
    assert charts.latency(figures, []).rows[0][0] == f"{figures.moment(83):%d %b %H:%M}"


def test_throughput_is_per_second_and_errors_are_a_share_on_an_axis_of_their_own() -> None:
    chart = charts.traffic(make_figures(counts={"requests": 12_360.0, "requests.errors": 74.16}), [])
    requests, errors = chart.spec["series"]
    assert (requests["y"][0], requests["unit"]) == (412.0, "/s")
    assert (errors["y"][0], errors["unit"], errors["axis"], errors["tone"]) == (0.6, " %", "y2", "crit")
    assert chart.label == "Throughput 412/s; 0.6 % of requests fail, 0.6 % at most."


def test_the_step_that_has_not_ended_is_divided_by_the_seconds_that_it_has_lasted() -> None:
    counts: dict[str, float | list[float]] = {"requests": [300.0] * 119 + [100.0]}
    chart = charts.traffic(make_figures(counts=counts, last_s=10.0), [])
    assert chart.spec["series"][0]["y"][-2:] == [10.0, 10.0]


@pytest.mark.parametrize(("errors", "top"), [(0.0, 4), (4.0, 8), (9.0, 12), (30.0, 40), (100.0, 100)])
def test_the_scale_of_errors_ends_above_the_worst_and_never_under_four_percent(errors: float, top: int) -> None:
    spec = charts.traffic(make_figures(counts={"requests": 100.0, "requests.errors": errors}), []).spec
    assert spec["y2"]["ticks"][-1] == top


def test_caches_are_drawn_busiest_first_and_those_nobody_asked_are_left_out() -> None:
    counts = {
        "cache.embedding.hits": 7.0,
        "cache.embedding.misses": 3.0,
        "cache.context.hits": 90.0,
        "cache.context.misses": 10.0,
        "cache.tool.hits": 0.0,
        "cache.tool.misses": 0.0,
    }
    chart = charts.hit_rate(make_figures(counts=counts), [])
    assert names(chart) == ["context", "embedding"]
    assert chart.label == "Cache hit rate: context 90 %, embedding 70 % now."
    assert chart.spec["range"] == [50, 101]


def test_hit_rates_under_a_half_are_drawn_from_zero() -> None:
    counts = {"cache.context.hits": 4.0, "cache.context.misses": 6.0}
    assert charts.hit_rate(make_figures(counts=counts), []).spec["range"] == [0, 101]


def test_a_step_without_lookups_has_no_hit_rate() -> None:
    hits: list[float] = [9.0] * 119 + [0.0]
    misses: list[float] = [1.0] * 119 + [0.0]
    chart = charts.hit_rate(make_figures(counts={"cache.context.hits": hits, "cache.context.misses": misses}), [])
    assert chart.spec["series"][0]["y"][-2:] == [90.0, None]


def test_the_queues_are_stacked_and_the_legend_runs_in_stack_order_from_the_top() -> None:
    gauges = {"queue.critical": 1.0, "queue.normal": 338.0, "queue.bulk": 894.0}
    chart = charts.queues(make_figures(gauges=gauges), [])
    assert chart.spec["stack"] is True
    assert names(chart) == ["bulk", "low", "normal", "high", "critical"]
    assert chart.label.startswith("Queue depth 1,233: critical 1, high none, normal 338")


def test_events_are_lines_on_every_chart_and_named_on_the_latency_chart() -> None:
    events = [make_event(text="rolled back", tone="warn"), make_event(at=NOW - timedelta(minutes=9), tone="info")]
    figures = make_figures(latency=LATENCY)
    first, second = charts.latency(figures, events).spec["events"]
    flag = {"t": "2026-11-21T14:23:05Z", "tone": "line-3", "kind": "flag", "key": "A", "text": "enhanced_prompts 25 %"}
    assert {**flag, "href": first["href"]} == first
    assert first["href"] == f"/events/?range=2026-11-21T13%3A53Z..2026-11-21T14%3A54Z#e-{events[1].pk}"
    assert (second["key"], second["tone"], second["text"]) == ("B", "warn", "rolled back")
    for draw in (charts.traffic, charts.hit_rate, charts.queues):
        assert [event.get("text") for event in draw(figures, events).spec["events"]] == [None, None]


def test_more_events_than_can_be_read_lose_their_names() -> None:
    events = [make_event(at=NOW - timedelta(minutes=i)) for i in range(7)]
    assert not any("text" in event for event in charts.latency(make_figures(latency=LATENCY), events).spec["events"])
