"""E-values: golden numbers, the integral they stand for, and what they do at the edges."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flags.guard.policy import LIMITS, Policy
from flags.guard.statistics import evidence
from flags.guard.statistics.estimate import Effect
from flags.guard.statistics.units import Metric

TAU = log(1.1)
# d, V and ln E with tau = ln 1.1, by the formula; the last by its limit, 2 V / (tau |d| sqrt(2 pi))
GOLDEN = [
    (0.0, 1e-3, -1.1554765107),
    (0.05, 4e-4, 2.0961622163),
    (0.1, 1e-3, 4.0404925164),
    (0.2, 1e-3, 17.5543366985),
    (-0.1, 1e-3, -2.5704485703),
    (-0.1, 1e-6, -9.3881981481),
]


def ln_e(d: float, variance: float, tau: float = TAU) -> float:
    return float(evidence.ln_e(np.array(d), np.array(variance), tau))


def integral(d: float, variance: float, tau: float) -> float:
    """ln of the likelihood ratio exp(d x / V - x^2 / 2V), averaged over a half-normal x, as a plain sum."""
    x = np.linspace(0, 12 * tau, 400_001)
    ln = d * x / variance - np.square(x) / (2 * variance) - np.square(x) / (2 * tau**2)
    highest = ln.max()
    step = x[1]
    return float(highest + log(np.exp(ln - highest).sum() * step - np.exp(ln[0] - highest) * step / 2)) + log(
        2 / (tau * np.sqrt(2 * np.pi))
    )


@pytest.mark.parametrize(
    ("d", "variance", "tau"),
    [(0.0, 0.001, TAU), (0.1, 0.001, TAU), (-0.1, 0.001, TAU), (0.4, 0.01, log(1.5)), (0.02, 1e-4, TAU)],
)
def test_it_is_the_mixture_it_stands_for(d: float, variance: float, tau: float) -> None:
    assert ln_e(d, variance, tau) == pytest.approx(integral(d, variance, tau), abs=1e-6)


@pytest.mark.parametrize(("d", "variance", "golden"), GOLDEN)
def test_golden_numbers(d: float, variance: float, golden: float) -> None:
    assert ln_e(d, variance) == pytest.approx(golden, rel=1e-9)


def test_no_data_is_no_evidence() -> None:
    assert ln_e(np.nan, np.nan) == 0
    assert ln_e(0.3, 1e12) == pytest.approx(0, abs=1e-5)


def test_far_on_the_good_side_it_stays_finite_and_falls() -> None:
    values = [ln_e(-d, 1e-6) for d in (0.01, 0.029, 0.0301, 0.0302, 1.0, 100.0)]
    assert values == sorted(values, reverse=True)
    assert np.isfinite(values).all()


@given(d=st.floats(-1, 1), more=st.floats(1e-6, 1), variance=st.floats(1e-6, 1))
def test_more_harm_is_more_evidence(d: float, more: float, variance: float) -> None:
    assert ln_e(d + more, variance) >= ln_e(d, variance)


@given(d=st.floats(-1, 1), variance=st.floats(1e-6, 1))
def test_safety_is_harm_seen_from_the_margin(d: float, variance: float) -> None:
    found = Effect(np.array(d), np.array(variance))
    assert float(evidence.safety(found, margin=1.1)) == pytest.approx(ln_e(TAU - d, variance))
    assert float(evidence.harm(found, tau=TAU)) == ln_e(d, variance)


@given(d=st.floats(-1, 1), variance=st.floats(1e-6, 1))
def test_the_band_surrounds_the_estimate_and_grows_with_certainty(d: float, variance: float) -> None:
    found = Effect(np.array(d), np.array(variance))
    (low, high), (lower, higher) = (evidence.band(found, tau=TAU, alpha=alpha) for alpha in (0.05, 0.01))
    assert lower < low < d < high < higher
    assert high - d == pytest.approx(d - low)


def test_the_band_is_growthbooks() -> None:
    # mu +- s sqrt(N) sqrt(2 (N r + 1) / (N^2 r) ln(sqrt(N r + 1) / alpha)) with V = s^2 / N, tau^2 = r N V
    n, sigma, rho_squared, alpha = 5000, 0.7, 0.002, 0.05
    variance = sigma**2 / n
    _, high = evidence.band(
        Effect(np.array(0.0), np.array(variance)), tau=np.sqrt(rho_squared * n * variance), alpha=alpha
    )
    inside = 2 * (n * rho_squared + 1) / (n**2 * rho_squared) * log(np.sqrt(n * rho_squared + 1) / alpha)
    assert float(high) == pytest.approx(sigma * np.sqrt(inside))


def test_under_the_null_the_mean_e_value_is_one() -> None:
    # E[E] = 1 at d = 0: what makes it an e-value, by quadrature over the estimate's own distribution
    sd = 0.05
    d = np.linspace(-25 * sd, 25 * sd, 20_001)
    density = np.exp(-np.square(d / sd) / 2) / (sd * np.sqrt(2 * np.pi))
    e = np.exp(evidence.ln_e(d, np.full(d.shape, sd**2), TAU))
    assert float((e * density).sum() * (d[1] - d[0])) == pytest.approx(1, abs=1e-6)


def test_a_mixture_lies_between_its_parts() -> None:
    low, high = np.array(0.0), np.array(10.0)
    assert float(evidence.mixed(low, high, share=0.1)) == pytest.approx(log(0.9 + 0.1 * np.exp(10)))


def test_alpha_is_split_between_the_metrics() -> None:
    assert Policy().alarm_at == 60
    assert Policy(limits={Metric.LATENCY: LIMITS[Metric.LATENCY]}).alarm_at == 20
