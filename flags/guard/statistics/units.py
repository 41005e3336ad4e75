"""What the guard looks at: what each unit did in each stage and before, and what each minute brought.

A unit is what the flag draws (a user, a workspace), never a request: requests of one unit resemble each other, and
counting them as independent makes variances 52 to 257 times too small (reference/flags.md, 4.3).

Every array may have leading axes (looks, repetitions), written `...`: all of these statistics work along the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]


class Metric(StrEnum):
    """What is compared. Each effect is ln(exposed / control), and more is worse."""

    LATENCY = "latency"  # geometric mean of latency: alone it certifies a tail that got 20 % longer
    SLOW = "slow"  # share of requests slower than a threshold: the tail
    ERRORS = "errors"  # share of requests that failed


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over the requests of each unit in one period. All arrays have the shape (..., units)."""

    requests: Array
    log_latency: Array  # sum of ln(latency in ms)
    slow: Array  # requests slower than the threshold: control's p95 frozen at the start, or the SLO
    errors: Array

    def __post_init__(self) -> None:
        shapes = {array.shape for array in (self.requests, self.log_latency, self.slow, self.errors)}
        if len(shapes) != 1 or not self.requests.ndim:
            raise ValueError(f"a tally's arrays have one shape (..., units), got {sorted(shapes)}")

    def sums(self, metric: Metric) -> Array:
        """The sums of a metric whose mean per request is compared, shape (..., units)."""
        return {Metric.LATENCY: self.log_latency, Metric.SLOW: self.slow, Metric.ERRORS: self.errors}[metric]


@dataclass(frozen=True, slots=True)
class Stratum:
    """A stage: who was exposed in it, and what everybody did while it lasted.

    Stages aren't pooled: the exposed share grows while the traffic drifts, and the pooled difference then is the
    drift (Simpson's paradox: 88 to 100 % false alarms in the reference).
    """

    percent: float  # share of units that were drawn in this stage, 0 to 100
    exposed: Mask  # shape (units,): True for exposed, False for control
    seen: Tally

    def __post_init__(self) -> None:
        if self.exposed.shape != self.seen.requests.shape[-1:]:
            raise ValueError(
                f"exposed needs one entry per unit, got {self.exposed.shape} for {self.seen.requests.shape[-1]} units"
            )


@dataclass(frozen=True, slots=True)
class Minutes:
    """Sums over the units of each arm, minute by minute since the rollout began. Shape (..., minutes) each."""

    exposed_requests: Array
    control_requests: Array
    exposed_errors: Array
    control_errors: Array


@dataclass(frozen=True, slots=True)
class Rollout:
    """Everything that was measured: the same units in the same order in `before` and in each stratum.

    `before` is what units did before the rollout began; a unit without history has no requests in it.
    """

    before: Tally
    strata: tuple[Stratum, ...]  # in the order in which they were entered; the last one is current
    minutes: Minutes

    def __post_init__(self) -> None:
        if not self.strata:
            raise ValueError("a rollout has at least one stratum: the stage it is in")
        counts = {self.before.requests.shape[-1], *(stratum.exposed.shape[0] for stratum in self.strata)}
        if len(counts) != 1:
            raise ValueError(f"before and every stratum list the same units, got {sorted(counts)} units")

    @property
    def exposed_units(self) -> int:
        """Units that were active while exposed, in the stage that has most of them. Takes no leading axes."""
        return max(int(((stratum.seen.requests > 0) & stratum.exposed).sum()) for stratum in self.strata)
