"""The effect: its sign, its variance by hand, what moves it and what must not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flags.guard.statistics.estimate import Effect, effect, habit
from flags.guard.statistics.units import Metric, Rollout, Stratum, Tally
from tests.flags.guard.make import UNITS, make_rollout, make_stratum, make_tally

seeds = st.integers(0, 2**32 - 1)
metrics = st.sampled_from(list(Metric))


def found(rollout: Rollout, metric: Metric = Metric.LATENCY, *, units: int = 50, events: int = 20) -> Effect:
    return effect(rollout, metric, least_units=units, least_events=events)


def same(one: Effect, other: Effect) -> bool:
    return bool(np.isclose(one.value, other.value, atol=1e-9) and np.isclose(one.variance, other.variance, atol=1e-12))


def empty(units: int = UNITS) -> Tally:
    return Tally(*(np.zeros(units) for _ in range(4)))


def stacked(*tallies: Tally) -> Tally:
    return Tally(*(np.stack([getattr(tally, name) for tally in tallies]) for name in Tally.__slots__))


def test_effect_and_variance_are_those_worked_out_by_hand() -> None:
    # means per unit 1, 2 | 3, 5, with 1, 3 | 2, 2 requests
    seen = Tally(*(np.array(part, dtype=float) for part in ([1, 3, 2, 2], [1, 6, 6, 10], [0] * 4, [0] * 4)))
    stratum = Stratum(50, np.array([True, True, False, False]), seen)
    result = found(make_rollout(stratum, before=empty(4)), units=2)
    assert result.value == pytest.approx(7 / 4 - 16 / 4)
    # exposed: residuals 1 - 1.75, 6 - 5.25; control: 6 - 8, 10 - 8; m / (m - 1) = 2
    assert result.variance == pytest.approx(2 * (2 * 0.75**2) / 16 + 2 * (2 * 2**2) / 16)


def test_the_log_ratio_of_shares_is_the_one_worked_out_by_hand() -> None:
    seen = Tally(*(np.array(part, dtype=float) for part in ([10] * 4, [0] * 4, [2, 4, 1, 3], [0] * 4)))
    stratum = Stratum(50, np.array([True, True, False, False]), seen)
    result = found(make_rollout(stratum, before=empty(4)), Metric.SLOW, units=2, events=4)
    assert result.value == pytest.approx(np.log(0.3 / 0.2))
    assert result.variance == pytest.approx(2 * 2 / 400 / 0.3**2 + 2 * 2 / 400 / 0.2**2)


@pytest.mark.parametrize("metric", Metric)
def test_a_true_effect_is_found(metric: Metric) -> None:
    result = found(make_rollout(make_stratum(worse=1.3)), metric)
    assert abs(result.value - np.log(1.3)) < 3 * np.sqrt(result.variance)
    assert result.value > 4 * np.sqrt(result.variance)


@given(seed=seeds, metric=metrics)
@settings(max_examples=40, deadline=None)
def test_swapping_the_arms_flips_the_sign(seed: int, metric: Metric) -> None:
    one, two = make_stratum(seed, worse=1.2), make_stratum(seed + 1)
    there = found(make_rollout(one, two), metric)
    back = found(make_rollout(*(replace(part, exposed=~part.exposed) for part in (one, two))), metric)
    assert same(there, replace(back, value=-back.value))


@given(seed=seeds, factor=st.floats(0.01, 100))
@settings(max_examples=40, deadline=None)
def test_slower_clocks_for_everybody_move_nothing(seed: int, factor: float) -> None:
    stratum = make_stratum(seed)
    shifted = stratum.seen.log_latency + stratum.seen.requests * np.log(factor)
    slower = replace(stratum, seen=replace(stratum.seen, log_latency=shifted))
    assert same(found(make_rollout(stratum)), found(make_rollout(slower)))


@given(seed=seeds, metric=metrics, percent=st.sampled_from([0.0, 1.0, 100.0]))
@settings(max_examples=40, deadline=None)
def test_a_stage_without_data_changes_nothing(seed: int, metric: Metric, percent: float) -> None:
    stratum = make_stratum(seed)
    nothing = Stratum(percent, np.arange(UNITS) < UNITS * percent / 100, empty())
    assert same(found(make_rollout(stratum), metric), found(make_rollout(nothing, stratum, nothing), metric))


@given(seed=seeds, metric=metrics)
@settings(max_examples=40, deadline=None)
def test_the_order_of_units_changes_nothing(seed: int, metric: Metric) -> None:
    order = np.random.default_rng(seed).permutation(UNITS)

    def shuffled(tally: Tally) -> Tally:
        return Tally(*(getattr(tally, name)[order] for name in Tally.__slots__))

    one = make_rollout(make_stratum(seed))
    part = one.strata[0]
    other = replace(one, before=shuffled(one.before), strata=(Stratum(50, part.exposed[order], shuffled(part.seen)),))
    assert same(found(one, metric), found(other, metric))


@pytest.mark.parametrize("metric", Metric)
def test_the_same_units_again_are_no_new_evidence(metric: Metric) -> None:
    stratum = make_stratum()
    assert same(found(make_rollout(stratum), metric), found(make_rollout(stratum, stratum), metric))


def test_a_drift_between_stages_is_no_effect() -> None:
    early, late = make_stratum(1, percent=50), make_stratum(2, percent=90)
    late = replace(late, exposed=np.arange(UNITS) % 10 > 0)
    doubled = late.seen.log_latency + late.seen.requests * np.log(2)
    result = found(make_rollout(early, replace(late, seen=replace(late.seen, log_latency=doubled)), before=empty()))
    assert abs(result.value) < 3 * np.sqrt(result.variance) < 0.05


def test_habits_narrow_the_variance() -> None:
    rng = np.random.default_rng(5)
    speed = rng.normal(5, 0.5, UNITS)
    before, seen = make_tally(rng, ln_ms=speed), make_tally(rng, ln_ms=speed)
    stratum = Stratum(50, np.arange(UNITS) % 2 == 0, seen)
    with_habits, without = found(make_rollout(stratum, before=before)), found(make_rollout(stratum, before=empty()))
    assert with_habits.variance < without.variance / 4
    assert abs(with_habits.value) < 3 * np.sqrt(with_habits.variance)


def test_a_unit_without_history_is_taken_for_an_average_one() -> None:
    before = Tally(*(np.array(part, dtype=float) for part in ([0, 20, 60], [0, 40, 240], [0] * 3, [0] * 3)))
    mean = 280 / 80
    assert habit(before, Metric.LATENCY) == pytest.approx([mean, (40 + 20 * mean) / 40, (240 + 20 * mean) / 80])


@pytest.mark.parametrize("metric", [Metric.SLOW, Metric.ERRORS])
def test_too_few_events_in_an_arm_say_nothing(metric: Metric) -> None:
    stratum = make_stratum()
    events = stratum.seen.sums(metric)[stratum.exposed].sum()
    assert np.isnan(found(make_rollout(stratum), metric, events=int(events) + 1).value)


def test_too_few_units_in_an_arm_say_nothing() -> None:
    few = replace(make_stratum(), exposed=np.arange(UNITS) < 49)
    assert np.isnan(found(make_rollout(few)).value)
    assert np.isnan(found(make_rollout(replace(few, exposed=~few.exposed))).variance)


@pytest.mark.parametrize("metric", Metric)
def test_looks_side_by_side_are_judged_as_each_alone(metric: Metric) -> None:
    past, one, two = make_stratum(1), make_stratum(2), make_stratum(3, worse=1.2)
    both = found(make_rollout(past, replace(one, seen=stacked(one.seen, two.seen))), metric)
    for look, stratum in enumerate((one, two)):
        alone = found(make_rollout(past, stratum), metric)
        assert same(alone, Effect(both.value[look], both.variance[look]))


def test_arrays_that_dont_fit_are_refused() -> None:
    tally = empty()
    with pytest.raises(ValueError, match="one shape"):
        replace(tally, errors=np.zeros(3))
    with pytest.raises(ValueError, match="one entry per unit"):
        Stratum(50, np.zeros(3, dtype=bool), tally)
    with pytest.raises(ValueError, match="same units"):
        make_rollout(before=empty(3))
    with pytest.raises(ValueError, match="at least one stratum"):
        replace(make_rollout(), strata=())
