"""The world of reference/flags.md 4.4: units that differ in traffic, speed and luck, seen request by request.

Traffic per unit is lognormal, a unit's own log-latency has sd 0.35, its requests' noise sd 0.5 with 2 % of them three
times as slow, errors are 1 % with a coefficient of variation of 2 between units, and load follows the hour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np
from numpy.random import Generator

from flags.guard.statistics.units import Array, Mask, Minutes, Rollout, Stratum, Tally

# A history this many times as long as the window. The reference doesn't give its own; 100 looks are under two hours,
# and a rollout has days behind it, so this is on the short side.
HISTORY = 4
MEDIAN_LN_MS = np.log(200.0)
TRAFFIC_SD, UNIT_SD, NOISE_SD = 1.0, 0.35, 0.5
HEAVY_SHARE, HEAVY = 0.02, np.log(3.0)
ERROR_SHARE, ERROR_CV = 0.01, 2.0
DIURNAL = 0.15  # amplitude of the load's swing, and, a third of it, of ln latency's
SLOW_LN_MS = MEDIAN_LN_MS + 1.645 * np.hypot(UNIT_SD, NOISE_SD)  # about control's p95


@dataclass(frozen=True, slots=True)
class Truth:
    """What being exposed does, and what the hours do to everybody."""

    latency: float = 1.0  # times
    errors: float = 1.0  # times
    tail_share: float = 0.0  # of requests that take three times as long
    drift: float = 1.0  # times control's latency and error rate, from the first look to the last


@dataclass(frozen=True, slots=True)
class Plan:
    """Percentages in order, each for as many looks; the rollout never acts on what is seen."""

    percents: tuple[float, ...]
    looks: int = 100  # over all stages
    units: int = 4000
    requests_per_unit: float = 53.5  # 214,000 for 4,000 units

    @property
    def looks_each(self) -> int:
        return self.looks // len(self.percents)


@dataclass(frozen=True, slots=True)
class Requests:
    """One array entry per request."""

    unit: np.ndarray[tuple[int], np.dtype[np.int64]]
    look: np.ndarray[tuple[int], np.dtype[np.int64]]
    log_latency: Array
    errors: Array
    exposed: Mask


@dataclass(frozen=True, slots=True)
class Units:
    rate: Array  # requests in the whole window
    speed: Array  # ln, added to the median
    error_share: Array
    bucket: Array  # 0 to 100


def make_units(plan: Plan, rng: Generator) -> Units:
    traffic = rng.lognormal(-(TRAFFIC_SD**2) / 2, TRAFFIC_SD, plan.units)
    shape = 1 / ERROR_CV**2
    return Units(
        rate=traffic * plan.requests_per_unit,
        speed=rng.normal(0, UNIT_SD, plan.units),
        error_share=np.minimum(rng.gamma(shape, ERROR_SHARE / shape, plan.units), 0.5),
        bucket=rng.permutation(plan.units) / plan.units * 100,
    )


def make_requests(units: Units, plan: Plan, truth: Truth, rng: Generator) -> Requests:
    """All requests of the window. Who is exposed follows from bucket and stage, as in production."""
    unit = np.repeat(np.arange(plan.units), rng.poisson(units.rate))
    load = 1 + DIURNAL * np.sin(2 * np.pi * np.arange(plan.looks) / plan.looks)
    # the look of a thousandth of the day's load: a search per request would take longer than all else
    looks = np.searchsorted(np.cumsum(load) / load.sum(), (np.arange(1000) + 0.5) / 1000)
    look = looks[rng.integers(1000, size=unit.size)]
    percent = np.repeat(plan.percents, plan.looks_each)[look]
    exposed = units.bucket[unit] < percent
    drift = np.log(truth.drift) * look / plan.looks
    ln = MEDIAN_LN_MS + units.speed[unit] + rng.normal(0, NOISE_SD, unit.size) + drift + (load[look] - 1) / 3
    ln += HEAVY * (rng.random(unit.size) < HEAVY_SHARE)
    ln += exposed * (np.log(truth.latency) + np.log(3.0) * (rng.random(unit.size) < truth.tail_share))
    share = units.error_share[unit] * np.exp(drift) * np.where(exposed, truth.errors, 1.0)
    return Requests(unit, look, ln, (rng.random(unit.size) < share).astype(float), exposed)


def make_history(units: Units, rng: Generator) -> Tally:
    """What each unit did before anybody was exposed, shape (units,). Drawn as sums: nobody looks at its requests."""
    n = rng.poisson(units.rate * HISTORY)
    heavy, mean = rng.binomial(n, HEAVY_SHARE), MEDIAN_LN_MS + units.speed
    ln = n * mean + HEAVY * heavy + NOISE_SD * np.sqrt(n) * rng.normal(size=n.size)
    slow = rng.binomial(n - heavy, _above(SLOW_LN_MS - mean)) + rng.binomial(heavy, _above(SLOW_LN_MS - mean - HEAVY))
    return Tally(n.astype(float), ln, slow.astype(float), rng.binomial(n, units.error_share).astype(float))


def _above(distance: Array) -> Array:
    """The share of requests whose noise is larger than this."""
    return np.array([erfc(d / (NOISE_SD * sqrt(2))) / 2 for d in distance])


def tally(requests: Requests, plan: Plan, *, first: int, looks: int) -> Tally:
    """Running sums over `looks` looks from look `first` on, shape (looks, units)."""
    within = (requests.look >= first) & (requests.look < first + looks)
    cell = (requests.look[within] - first) * plan.units + requests.unit[within]

    def sums(weights: Array) -> Array:
        table = np.bincount(cell, weights[within], looks * plan.units).reshape(looks, plan.units)
        return np.cumsum(table, axis=0)

    slow = (requests.log_latency > SLOW_LN_MS).astype(float)
    return Tally(sums(np.ones(requests.look.size)), sums(requests.log_latency), sums(slow), sums(requests.errors))


def at_the_end(tally: Tally, leading: int) -> Tally:
    """The last row, with as many leading axes of length 1."""
    shape = (*[1] * leading, -1)
    parts = (tally.requests, tally.log_latency, tally.slow, tally.errors)
    return Tally(*(part[-1].reshape(shape) for part in parts))


def minutes(requests: Requests, plan: Plan) -> Minutes:
    """Each arm's sums per look, a look being a minute, seen at every look: shape (looks, looks), zeros ahead."""

    def seen(of: Mask, weights: Array) -> Array:
        return np.tril(np.broadcast_to(np.bincount(requests.look[of], weights[of], plan.looks), (plan.looks,) * 2))

    ones, exposed = np.ones(requests.look.size), requests.exposed
    return Minutes(
        seen(exposed, ones), seen(~exposed, ones), seen(exposed, requests.errors), seen(~exposed, requests.errors)
    )


def rollouts(plan: Plan, truth: Truth, rng: Generator) -> Iterator[Rollout]:
    """One run of the plan, stage by stage: each yields a rollout with all looks of that stage as leading axis."""
    units = make_units(plan, rng)
    requests, before = make_requests(units, plan, truth, rng), make_history(units, rng)
    past: tuple[Stratum, ...] = ()
    whole = minutes(requests, plan)
    for stage, percent in enumerate(plan.percents):
        looks = slice(stage * plan.looks_each, (stage + 1) * plan.looks_each)
        seen = tally(requests, plan, first=looks.start, looks=plan.looks_each)
        exposed = units.bucket < percent
        so_far = Minutes(
            whole.exposed_requests[looks],
            whole.control_requests[looks],
            whole.exposed_errors[looks],
            whole.control_errors[looks],
        )
        yield Rollout(before, (*past, Stratum(percent, exposed, seen)), so_far)
        past = (*past, Stratum(percent, exposed, at_the_end(seen, 1)))
