"""Evidence that may be read at every look: e-values for harm and for safety, and the band that goes with them.

A fixed-horizon test that is read until it fires fires sooner or later. An e-value stays below 1/alpha for ever with
probability 1 - alpha when there is nothing to find, whenever and however often it is read (Ville's inequality).
Formulas: reference/flags.md 4.3, the same as GrowthBook's and Waudby-Smith's asymptotic confidence sequences.
"""

from __future__ import annotations

from math import erfc, log, log1p, pi, sqrt

import numpy as np

from flags.guard.statistics.estimate import Effect
from flags.guard.statistics.units import Array


def harm(effect: Effect, *, tau: float) -> Array:
    """ln of the e-value against "not worse", shape (...); 0 where there is no estimate."""
    return ln_e(effect.value, effect.variance, tau)


def safety(effect: Effect, *, margin: float) -> Array:
    """ln of the e-value against "worse by `margin` (a ratio) or more", shape (...); 0 where there is no estimate."""
    return ln_e(log(margin) - effect.value, effect.variance, log(margin))


def ln_e(d: Array, variance: Array, tau: float) -> Array:
    """ln E of an estimate `d` against d <= 0, mixed over a half-normal with standard deviation `tau`.

    ln 2 + ln(V/(V+t^2))/2 + t^2 d^2 / (2V(V+t^2)) + ln Phi(d t / sqrt(V(V+t^2))). 0 where d or V is NaN: no data,
    no evidence, which is also the limit for V to infinity.
    """
    wider = variance + tau**2
    product = variance * wider
    with np.errstate(invalid="ignore"):
        z = d * tau / np.sqrt(product)
        value = log(2) + 0.5 * np.log(variance / wider) + 0.5 * np.square(z) + _ln_phi(z)
    return np.where(np.isfinite(value), value, 0.0)


def band(effect: Effect, *, tau: float, alpha: float) -> tuple[Array, Array]:
    """The effect's always-valid confidence band, two-sided, on the log scale: low and high, each (...); NaN unknown.

    d +- sqrt(2V(V+t^2)/t^2 * (ln(1/alpha) + ln((V+t^2)/V)/2)).
    """
    variance = effect.variance
    wider = variance + tau**2
    half = np.sqrt(2 * variance * wider / tau**2 * (log(1 / alpha) + 0.5 * np.log(wider / variance)))
    return effect.value - half, effect.value + half


def mixed(first: Array, second: Array, *, share: float) -> Array:
    """ln of `(1 - share) E1 + share E2`, given as logs: again an e-value, however the two depend on each other."""
    mean: Array = np.logaddexp(log(1 - share) + first, log(share) + second)
    return mean


def _ln_phi_of(z: float) -> float:
    """ln of the normal distribution function; below -30, where erfc runs out of digits, by its asymptotic series."""
    if z > -30:
        return log(0.5 * erfc(-z / sqrt(2))) if z < 5 else log1p(-0.5 * erfc(z / sqrt(2)))
    return -z * z / 2 - log(-z) - 0.5 * log(2 * pi) + log1p(-1 / z**2 + 3 / z**4)


def _ln_phi(z: Array) -> Array:
    value: Array = np.vectorize(_ln_phi_of, otypes=[np.float64])(np.where(np.isfinite(z), z, 0.0))
    return value
