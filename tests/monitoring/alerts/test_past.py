"""The past is judged many ticks at a time: as the present would have judged each of them."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.alerts.judge.machine import SEVERITIES, NoData, State, Verdict, Word, step
from monitoring.alerts.judge.measure import needs, sample, timing
from monitoring.alerts.judge.samples import Samples, known_series
from monitoring.alerts.past.course import NONE, Course, Grid, course, grain_of
from monitoring.alerts.past.replay import Fired, replay
from monitoring.alerts.past.windows import latest, least, moving, totals
from monitoring.models import AlertRule, Severity
from tests.monitoring.alerts.made import ladder, store_forty_minutes
from tests.monitoring.blobs import NOON, moment

START: Final = NOON - 2400
LADDER: Final = ladder(warning=(100, 80), critical=(300, 200))
BURNS: Final = [
    {"severity": "critical", "fire": 6, "clear": 5, "long_s": 1800, "short_s": 900},
    {"severity": "warning", "fire": 1, "clear": 1, "long_s": 1200, "short_s": 720},
]
# longer than ten minutes: so the present looks at whole minutes too
RULES: Final[tuple[dict[str, Any], ...]] = (
    *({"metric": "queue.high", "measure": measure, "window_s": 660} for measure in ("value", "average", "max", "min")),
    {"metric": "queue.high + queue.low", "measure": "value", "window_s": 660, "comparison": "below"},
    *({"metric": "operation.context + requests", "measure": how, "window_s": 720} for how in ("p50", "p99", "mean")),
    {"metric": "requests.errors", "measure": "count", "window_s": 900},
    {"metric": "requests.errors", "measure": "rate", "window_s": 900, "kind": "rate"},
    {"metric": "requests.errors", "measure": "share", "window_s": 900, "kind": "rate", "denominator": "requests"},
    {"metric": "requests.errors", "measure": "count", "window_s": 600, "kind": "ratio", "baseline": "before"},
    {"metric": "operation.context", "measure": "p95", "window_s": 600, "kind": "ratio", "baseline": "before"},
    {"metric": "requests.errors", "measure": "share", "window_s": 900, "kind": "burn", "denominator": "requests",
     "objective": 0.99, "thresholds": BURNS},
    {"metric": "nobody.sends", "measure": "value", "window_s": 660},
    {"metric": "operation.context", "measure": "p95", "window_s": 720, "min_events": 1000},
)  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("fields", RULES, ids=lambda each: f"{each.get('kind', '')} {each['measure']} {each['metric']}")
def test_each_minute_has_the_value_and_the_verdict_of_an_evaluation(fields: dict[str, Any]) -> None:
    store_forty_minutes()
    rule = AlertRule(**{"name": "one", "title": "One", "thresholds": LADDER} | fields)
    slots, _ = known_series()
    past = course(rule, "", Grid(START, NOON, 60, grain_of(rule), slots))
    assert past.seconds.tolist() == list(range(START + 60, NOON + 1, 60))
    for place, second in enumerate(past.seconds.tolist()):
        present = Samples()
        present.load(set(needs(rule, "")), second, slots)
        found = sample(rule, "", present)
        if second - START >= 1200:  # before, nobody reported in the window that it is compared with
            value = found.value if found.value is not None else math.nan
            assert past.values[place] == pytest.approx(value, nan_ok=True)
            assert ranked(past.fires[place]) is found.verdict.fires
            assert ranked(past.holds[place]) is found.verdict.holds


@pytest.mark.django_db
def test_a_step_finer_than_a_minute_has_the_last_complete_minute_of_a_long_window() -> None:
    store_forty_minutes()
    rule = AlertRule(name="one", title="One", metric="queue.high", measure="max", window_s=660, thresholds=LADDER)
    slots, _ = known_series()
    assert grain_of(rule, 30) == 60
    by_minute = course(rule, "", Grid(START, NOON, 60, 60, slots)).values
    finer = course(rule, "", Grid(START, NOON, 30, 60, slots)).values
    np.testing.assert_array_equal(finer[1::2], by_minute)
    np.testing.assert_array_equal(finer[2::2], by_minute[:-1])


def ranked(rank: int) -> Severity | None:
    return None if rank == NONE else SEVERITIES[rank]


figure = st.one_of(st.none(), st.sampled_from([50.0, 90.0, 150.0, 250.0, 400.0]))
stretches = st.lists(st.tuples(figure, st.integers(1, 90)), max_size=25)
times = st.sampled_from([0, 60, 120, 90, 1800])


@given(stretches, times, times, st.sampled_from(NoData))
@settings(deadline=None)
def test_from_change_to_change_it_finds_the_alerts_of_each_step(
    stretches: list[tuple[float | None, int]], for_s: int, keep_s: int, no_data: NoData
) -> None:
    rule = AlertRule(thresholds=LADDER, for_s=for_s, keep_firing_s=keep_s, no_data=no_data, comparison="above")
    values = [value for value, length in stretches for _ in range(length)]
    assert replay(rule, "", made(values), 0) == tuple(stepped(rule, values))


def made(values: list[float | None]) -> Course:
    """A course of a value each minute, judged by LADDER."""
    line = np.asarray([math.nan if value is None else value for value in values])
    fires, holds = (np.select([line > bad, line > mild], [2, 1], NONE) for bad, mild in ((300, 100), (200, 80)))
    return Course(60 * np.arange(1, len(values) + 1), line, fires, holds)


def stepped(rule: AlertRule, values: list[float | None]) -> list[Fired]:
    """The alerts of a machine that is asked at each of them."""
    state, found, begun = State(since=0, tick=0), [], None
    past = made(values)
    for place, value in enumerate(values):
        verdict = Verdict(ranked(past.fires[place]), ranked(past.holds[place]), is_known=value is not None)
        now = 60 * (place + 1)
        state, words = step(state, verdict, timing(rule), now)
        if Word.FIRED in words and state.severity:
            begun = Fired(moment(now), None, value, state.severity)
        elif begun:
            worst = max(begun.severity, state.severity or begun.severity, key=lambda each: each.rank)
            peak = max((each for each in (begun.peak, value) if each is not None), default=None)
            begun = Fired(begun.start, moment(now) if Word.RESOLVED in words else None, peak, worst)
            if begun.end:
                found.append(begun)
                begun = None
    return [*found, begun] if begun else found


numbers = st.lists(st.sampled_from([0.0, 0.1, 0.7, 3.0, 1e9]), min_size=1, max_size=40)


@given(numbers, st.integers(1, 40))
def test_windows_move_as_if_each_were_looked_at(numbers: list[float], width: int) -> None:
    width = min(width, len(numbers))
    windows = [numbers[place : place + width] for place in range(len(numbers) - width + 1)]
    line = np.asarray(numbers)
    np.testing.assert_array_equal(least(line, width), [min(each) for each in windows])
    np.testing.assert_allclose(moving(line, width), [sum(each) for each in windows], atol=1e-5)
    np.testing.assert_array_equal(totals(line, width) == 0, [not any(each) for each in windows])


def test_the_latest_value_is_the_last_that_is_known() -> None:
    line = [math.nan, 1.0, math.nan, 3.0, math.nan]
    np.testing.assert_array_equal(latest(np.asarray(line)), [math.nan, 1.0, 1.0, 3.0, 3.0])
