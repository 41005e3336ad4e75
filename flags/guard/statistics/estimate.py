"""How much worse the exposed units fare: clustered by unit, adjusted for what each did before, stratified by stage.

Formulas: reference/flags.md 4.3. Shapes: `...` are leading axes (looks, repetitions), often none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from flags.guard.statistics.units import Array, Metric, Rollout, Stratum, Tally

# requests of an average unit that a unit's own history is mixed with (4.3, CUPED)
SHRINK_REQUESTS: Final = 20.0
SIGNS: Final = np.array([1.0, -1.0])  # exposed minus control


@dataclass(frozen=True, slots=True)
class Effect:
    """ln(exposed / control) and its variance, shape (...); NaN where there is too little to say."""

    value: Array
    variance: Array


@dataclass(frozen=True, slots=True)
class Contrast:
    """One stratum's effect, with what each unit contributed to it. All zeros where it has too little to count."""

    value: Array  # (...)
    influence: Array  # (..., units)

    @property
    def variance(self) -> Array:
        return _squares(self.influence)


def effect(rollout: Rollout, metric: Metric, *, least_units: int, least_events: int) -> Effect:
    """The effect over all strata that count, each weighted by the inverse of its variance.

    A unit that was control first and exposed later is in several strata: its contributions are added before they are
    squared, which is what makes the variance right (4.3: V = sum over u of (sum over j of w_j f_uj)^2).
    """
    x = habit(rollout.before, metric)
    parts = [contrast(stratum, metric, x, least_units, least_events) for stratum in rollout.strata]
    weights = [_divide(1.0, part.variance) for part in parts]
    total: Array = np.sum(np.broadcast_arrays(*weights), axis=0)
    value, influence = np.zeros(()), np.zeros(())
    for weight, part in zip(weights, parts, strict=True):
        share = _divide(weight, total)
        value = value + share * part.value
        influence = influence + share[..., None] * part.influence
    return Effect(np.where(total > 0, value, np.nan), np.where(total > 0, _squares(influence), np.nan))


def habit(before: Tally, metric: Metric) -> Array:
    """What a unit's requests were like before, shape (..., units): its own mean, shrunk to everybody's.

    4.3: x = (sum + 20 m0) / (n + 20). Zeros where nobody has a history: then nothing is adjusted.
    """
    sums, requests = before.sums(metric), before.requests
    mean = _divide(sums.sum(axis=-1, keepdims=True), requests.sum(axis=-1, keepdims=True))
    shrunk: Array = (sums + SHRINK_REQUESTS * mean) / (requests + SHRINK_REQUESTS)
    return shrunk


def contrast(stratum: Stratum, metric: Metric, x: Array, least_units: int, least_events: int) -> Contrast:
    """One stratum's effect: a difference of mean logs for latency, of logs of shares for the other metrics.

    CUPED: a request of unit u is expected to be `slope (x_u - mean x)` above its arm's mean, and only what is left
    varies. Per arm R = S/N of the adjusted sums and V = m/(m-1) * sum of (s_u - R n_u)^2 / N^2; for shares V / R^2.
    """
    requests, sums = stratum.seen.requests, stratum.seen.sums(metric)
    arms = np.stack([stratum.exposed, ~stratum.exposed]).astype(np.float64)  # (2, units)
    slope, mean_x = habits_slope(sums, requests, x)
    total, active = requests @ arms.T, np.sign(requests) @ arms.T  # (..., 2)
    mean = _divide(sums @ arms.T - slope * (requests @ (arms * x).T - mean_x * total), total)
    counts = active >= max(least_units, 2)
    if metric is not Metric.LATENCY:
        counts &= (sums @ arms.T >= least_events) & (mean > 0)
    both = counts.all(axis=-1, keepdims=True)
    # what a request of each unit was expected to be, its arm's mean + slope (x - mean x), as one product of matrices
    expected = np.concatenate([mean, slope, -slope * mean_x], axis=-1) @ np.vstack([arms, x, np.ones_like(x)])
    # the root of m/(m-1) in each contribution, so that their squares add up to V
    scale = SIGNS * np.sqrt(_divide(active, active - 1)) * np.where(both, _divide(1.0, total), 0.0)
    if metric is not Metric.LATENCY:
        scale, mean = _divide(scale, mean), np.log(mean, out=np.zeros(mean.shape), where=both & (mean > 0))
    influence = (sums - requests * expected) * (scale @ arms)
    return Contrast(np.where(both, SIGNS * mean, 0.0).sum(axis=-1), influence)


def habits_slope(sums: Array, requests: Array, x: Array) -> tuple[Array, Array]:
    """How a unit's mean follows its habit, and the mean habit, (..., 1) each: a regression weighted by requests.

    Over both arms alike, so that it moves no difference between them but the noise. 0 where habits don't differ.
    """
    total = requests.sum(axis=-1, keepdims=True)
    mean_x = _divide((requests @ x)[..., None], total)
    spread = (requests @ np.square(x))[..., None] - total * np.square(mean_x)
    together = (sums @ x)[..., None] - mean_x * sums.sum(axis=-1, keepdims=True)
    return _divide(together, np.where(spread > 1e-12 * total, spread, 0.0)), mean_x


def _squares(influence: Array) -> Array:
    value: Array = np.einsum("...u,...u->...", influence, influence)
    return value


def _divide(above: Array | float, below: Array) -> Array:
    """`above / below`, and 0 where there is nothing to divide by."""
    shape = np.broadcast_shapes(np.shape(above), below.shape)
    value: Array = np.divide(above, below, out=np.zeros(shape), where=np.broadcast_to(below > 0, shape))
    return value
