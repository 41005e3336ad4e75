"""Evidence on errors while they are few, or while one arm has next to none.

The log-ratio of shares needs 20 errors in each arm: with a control that hardly ever fails it would stay silent about
an exposed arm that fails at 5 %. Here the errors of each minute are split between the arms as the requests were, which
is exact for any number of errors (reference/flags.md 4.3, "Errors, sparse/early"), and time-stratified by itself.
"""

from __future__ import annotations

from math import log
from statistics import NormalDist
from typing import Final

import numpy as np

from flags.guard.statistics.estimate import SIGNS
from flags.guard.statistics.evidence import ln_e
from flags.guard.statistics.units import Array, Metric, Minutes, Rollout

# Added to each arm's errors, and the correlation of errors within a unit: what an arm without any error may hide. With
# these, a share that is worse by exactly the margin is called safe in 1.7 to 2.7 % of rollouts at an e-value of 60
# (nominal 1.7 %), with 1 and 0 in 8 to 11 %; 300 repetitions of 100 looks, errors with a CV of 2 between units.
HIDDEN: Final = 2.0
WITHIN: Final = 0.01
GRID: Final = 16
# 4.3: half-normal on ln r with standard deviation ln 2, as points of equal mass
STEPS: Final = np.array([log(2) * NormalDist().inv_cdf(0.5 + (i + 0.5) / (2 * GRID)) for i in range(GRID)])


def harm(minutes: Minutes, overdispersion: Array) -> Array:
    """ln of the e-value against "no more errors than control's", shape (...)."""
    return _mixed(ln_likelihood(minutes, np.exp(STEPS)), overdispersion)


def safety(minutes: Minutes, overdispersion: Array, *, margin: float) -> Array:
    """ln of the e-value against "`margin` times control's errors or more", shape (...)."""
    against = ln_likelihood(minutes, np.array([margin]))
    return _mixed(ln_likelihood(minutes, margin * np.exp(-STEPS)) - against, overdispersion)


def safety_in_points(rollout: Rollout, *, points: float) -> Array:
    """ln of the e-value against "of all requests, `points` more fail than control's", shape (...).

    Where hardly anything fails, no ratio can be proved; that the difference is small can. Strata are weighted by their
    requests (Mantel-Haenszel), never by their errors, which would prefer those with few.
    """
    value, variance, total = np.zeros(()), np.zeros(()), np.zeros(())
    for stratum in rollout.strata:
        arms = np.stack([stratum.exposed, ~stratum.exposed]).astype(np.float64)
        requests, errors = stratum.seen.requests, stratum.seen.sums(Metric.ERRORS)
        count, failed = requests @ arms.T, errors @ arms.T  # (..., 2)
        known = np.maximum(count, 1)
        clustered = 1 + WITHIN * np.maximum(np.square(requests) @ arms.T / known - 1, 0)
        weight = count.prod(axis=-1) / np.maximum(count.sum(axis=-1), 1)
        value = value + weight * ((failed / known) @ SIGNS)
        variance = variance + np.square(weight) * (clustered * (failed + HIDDEN) / np.square(known)).sum(axis=-1)
        total = total + weight
    some = np.where(total > 0, total, np.nan)
    return ln_e(points - value / some, variance / np.square(some), points)


def ln_likelihood(minutes: Minutes, ratios: Array) -> Array:
    """ln L of each error ratio (grid,) against the ratio 1, given each minute's errors, shape (..., grid).

    ln L(r) = e_T ln r - sum over minutes of e_k ln(1 + pi_k (r - 1)), pi_k the exposed share of its requests.
    """
    total = minutes.exposed_requests + minutes.control_requests
    share = np.divide(minutes.exposed_requests, total, out=np.zeros(total.shape), where=total > 0)
    errors = minutes.exposed_errors + minutes.control_errors
    expected = np.einsum("...k,...kg->...g", errors, np.log1p(share[..., None] * (ratios - 1)))
    value: Array = minutes.exposed_errors.sum(axis=-1)[..., None] * np.log(ratios) - expected
    return value


def ln_ratio(minutes: Minutes) -> Array:
    """ln of the error ratio within minutes (Mantel-Haenszel), half an error added to each side, shape (...)."""
    total = np.maximum(minutes.exposed_requests + minutes.control_requests, 1)
    exposed = (minutes.exposed_errors * minutes.control_requests / total).sum(axis=-1)
    control = (minutes.control_errors * minutes.exposed_requests / total).sum(axis=-1)
    # a half of an error weighs what errors of that arm weigh
    share = minutes.exposed_requests.sum(axis=-1) / np.maximum(total.sum(axis=-1), 1)
    ratio = (exposed + 0.5 * (1 - share)) / np.maximum(control + 0.5 * share, 1e-12)
    value: Array = np.log(np.maximum(ratio, 1e-12))
    return value


def overdispersion(rollout: Rollout) -> Array:
    """How much more the errors vary between units than independent ones would, at least 1, shape (...).

    The variance of ln L's slope at r = 1, sum of (exposed - pi)(s - R n), clustered by unit over that of independent
    errors. Without it one failing unit counts as many: 16 to 28 % false alarms (4.3).
    """
    slope, independent = np.zeros(()), np.zeros(())
    for stratum in rollout.strata:
        requests, errors = stratum.seen.requests, stratum.seen.sums(Metric.ERRORS)
        total = np.maximum(requests.sum(axis=-1), 1)
        share, rate = (requests @ stratum.exposed) / total, errors.sum(axis=-1) / total
        slope = slope + (stratum.exposed - share[..., None]) * (errors - rate[..., None] * requests)
        independent = independent + share * (1 - share) * errors.sum(axis=-1)
    clustered = np.square(slope).sum(axis=-1)
    ratio: Array = np.divide(clustered, independent, out=np.ones(clustered.shape), where=independent > 0)
    return np.maximum(ratio, 1.0)


def _mixed(ln_likelihoods: Array, overdispersion: Array) -> Array:
    tempered = ln_likelihoods / overdispersion[..., None]
    mixed: Array = np.logaddexp.reduce(tempered, axis=-1) - log(GRID)
    return mixed
