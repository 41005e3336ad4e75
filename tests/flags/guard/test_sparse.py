"""Evidence on few errors, the sample ratio, and what both make of the findings."""

from __future__ import annotations

from dataclasses import replace
from math import lgamma, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flags.guard.findings import weigh
from flags.guard.policy import Policy
from flags.guard.statistics import ratio, sparse
from flags.guard.statistics.units import Array, Metric, Minutes, Rollout, Stratum, Tally
from tests.flags.guard.make import UNITS, make_minutes, make_rollout, make_stratum

INDEPENDENT = np.array(1.0)


def with_errors(exposed: Array, control: Array) -> Rollout:
    """Units' errors, half of the units exposed, all in one minute."""
    stratum = make_stratum()
    errors = np.zeros(UNITS)
    errors[stratum.exposed], errors[~stratum.exposed] = exposed, control
    seen = replace(stratum.seen, errors=errors)
    n = seen.requests[stratum.exposed].sum(), seen.requests[~stratum.exposed].sum()
    minutes = make_minutes((n[0], exposed.sum()), (n[1], control.sum()))
    return make_rollout(Stratum(50, stratum.exposed, seen), minutes=minutes)


def test_the_likelihood_is_the_one_worked_out_by_hand() -> None:
    minutes = Minutes(*(np.array(part, dtype=float) for part in ([50, 10], [50, 30], [3, 0], [1, 2])))
    expected = 3 * log(2) - 4 * log(1.5) - 2 * log(1.25)
    assert sparse.ln_likelihood(minutes, np.array([2.0])) == pytest.approx([expected])


def test_no_errors_are_no_evidence() -> None:
    minutes = make_minutes((1000, 0), (1000, 0))
    assert sparse.harm(minutes, INDEPENDENT) == pytest.approx(0)
    assert sparse.safety(minutes, INDEPENDENT, margin=1.5) == pytest.approx(0)


def test_even_minutes_speak_against_harm_and_for_safety() -> None:
    minutes = make_minutes((1000, 200), (1000, 200))
    assert sparse.harm(minutes, INDEPENDENT) < 0
    assert sparse.safety(minutes, INDEPENDENT, margin=1.5) > log(20)


def test_a_bad_hour_that_comes_with_the_exposure_is_no_harm() -> None:
    # pooled, exposed fail at 9 % and control at 2 %; within each minute both arms fail alike
    minutes = Minutes(*(np.array(part, dtype=float) for part in ([100, 900], [900, 100], [1, 90], [9, 10])))
    assert sparse.harm(minutes, INDEPENDENT) < log(2)
    assert abs(sparse.ln_ratio(minutes)) < 0.1


@given(r=st.floats(0.05, 20))
def test_the_error_ratio_is_found_within_minutes(r: float) -> None:
    minutes = Minutes(*(np.array(part) for part in ([1e4, 5e4], [9e4, 5e4], [500 * r, 500 * r], [4500.0, 500.0])))
    assert sparse.ln_ratio(minutes) == pytest.approx(log(r), abs=0.02)


def test_errors_of_one_unit_count_as_about_one() -> None:
    one, many = np.zeros(UNITS // 2), np.zeros(UNITS // 2)
    one[0], many[:40] = 40, 1
    control = np.zeros(UNITS // 2)
    assert sparse.overdispersion(with_errors(many, control)) == pytest.approx(1, abs=0.2)
    assert sparse.overdispersion(with_errors(one, control)) == pytest.approx(40, rel=0.1)


def test_a_control_without_errors_hides_no_harm() -> None:
    exposed = np.zeros(UNITS // 2)
    exposed[:40] = 1
    finding = weigh(with_errors(exposed, np.zeros(UNITS // 2)), Policy())[Metric.ERRORS]
    assert finding.low is None  # too few events for the log-ratio
    assert finding.ratio is not None
    assert finding.ratio > 10
    assert finding.ln_harm > log(Policy().alarm_at)


def test_one_failing_unit_is_no_harm() -> None:
    exposed = np.zeros(UNITS // 2)
    exposed[0] = 40
    finding = weigh(with_errors(exposed, np.zeros(UNITS // 2)), Policy())[Metric.ERRORS]
    assert finding.ln_harm < log(Policy().warn_at)


def test_nothing_measured_finds_nothing() -> None:
    stratum = make_stratum()
    nothing = replace(stratum, seen=replace(stratum.seen, **{name: np.zeros(UNITS) for name in stratum.seen.__slots__}))
    found = weigh(make_rollout(nothing, minutes=make_minutes((0, 0), (0, 0))), Policy())
    for metric in (Metric.LATENCY, Metric.SLOW):
        assert (found[metric].ratio, found[metric].ln_harm, found[metric].ln_safe) == (None, 0, 0)
    assert found[Metric.ERRORS].ln_harm == pytest.approx(0)


def test_an_even_cohort_is_in_its_ratio_and_a_lossy_one_isnt() -> None:
    assert ratio.ln_e(1000, 9000, 0.1) < 0
    assert ratio.ln_e(2700, 3000, 0.5) < log(1000) < ratio.ln_e(2700, 3200, 0.5)


def test_the_ratios_golden_number() -> None:
    def ln_beta(a: float, b: float) -> float:
        return lgamma(a) + lgamma(b) - lgamma(a + b)

    expected = ln_beta(100 + 7, 900 + 93) - ln_beta(100, 900) - 7 * log(0.1) - 93 * log(0.9)
    assert ratio.ln_e(7, 93, 0.1) == pytest.approx(expected)
    assert ratio.ln_e(0, 0, 0.1) == 0


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_one_arm_alone_has_no_ratio(share: float) -> None:
    assert ratio.ln_e(10, 10, share) == 0


def test_only_units_that_came_count_for_the_ratio() -> None:
    stratum = make_stratum(percent=50)
    lost = np.where(stratum.exposed & (np.arange(UNITS) < 300), 0.0, stratum.seen.requests)
    assert ratio.of_stratum(stratum) < 0
    assert ratio.of_stratum(replace(stratum, seen=replace(stratum.seen, requests=lost))) > log(1000)


def test_where_nothing_fails_enough_requests_prove_that_little_more_does() -> None:
    stratum = make_stratum()
    seen = replace(stratum.seen, requests=2 * stratum.seen.requests, errors=np.zeros(UNITS))
    rollout = make_rollout(Stratum(50, stratum.exposed, seen), minutes=make_minutes((16_000, 0), (16_000, 0)))
    assert weigh(rollout, Policy())[Metric.ERRORS].ln_safe > log(60)
    assert weigh(rollout, Policy(error_points=0))[Metric.ERRORS].ln_safe < log(60)


def test_errors_worse_by_the_margin_in_points_are_hardly_ever_called_safe() -> None:
    """20 looks at 100 rollouts whose exposed half fails 0.1 points more, unevenly between units: nominal 1.7 %."""
    rng, false = np.random.default_rng(5), 0
    exposed = np.arange(UNITS) % 2 == 0
    for _ in range(100):
        requests = rng.poisson(rng.lognormal(-0.5, 1, UNITS) * 5, (20, UNITS)).astype(float)
        share = rng.gamma(0.25, 4, UNITS) * np.where(exposed, 0.0015, 0.0005)
        errors = rng.binomial(requests.astype(int), np.minimum(share, 0.5)).astype(float)
        sums = [np.cumsum(each, axis=0) for each in (requests, requests, errors, errors)]
        rollout = make_rollout(Stratum(50, exposed, Tally(*sums)))
        false += bool((sparse.safety_in_points(rollout, points=0.001) >= log(60)).any())
    assert false / 100 <= 0.017 + 2 * (0.017 * 0.983 / 100) ** 0.5
