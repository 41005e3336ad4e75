"""When the guard acts: the numbers of reference/flags.md 4.5 and 4.3, in one value that plans may vary."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log
from typing import Final

from flags.guard.statistics.units import Metric


@dataclass(frozen=True, slots=True)
class Stage:
    percent: float  # share of units, 0 to 100
    dwell_min: float  # at least so long before the next stage


@dataclass(frozen=True, slots=True)
class Limit:
    """What a metric may do, as ratios exposed / control."""

    margin: float  # safe means: surely better than this (4.3, "Margins")
    floor: float  # no rollback for an estimate below this, however certain (4.5)

    @property
    def tau(self) -> float:
        """Standard deviation of the effects that the e-value's mixture expects, on the log scale.

        4.3: "the effect you care about", which is what the margin is.
        """
        return log(self.margin)


# 4.5 gives five dwells for six stages. The last stage has no control to compare with; an hour as at 50 % keeps
# the hard stop and the holds over it for as long.
STAGES: Final = (Stage(1, 10), Stage(5, 15), Stage(10, 30), Stage(25, 30), Stage(50, 60), Stage(100, 60))
LIMITS: Final = {
    Metric.LATENCY: Limit(1.10, 1.03),
    Metric.SLOW: Limit(1.25, 1.10),  # 4.4: 1.15 where p99 is the objective
    Metric.ERRORS: Limit(1.50, 1.10),
}


@dataclass(frozen=True, slots=True)
class Policy:
    stages: tuple[Stage, ...] = STAGES
    limits: dict[Metric, Limit] = field(default_factory=LIMITS.copy)
    alpha: float = 0.05  # 4.3: chance that a harmless rollout is ever rolled back, over all looks and metrics
    warn_at: float = 5.0  # 4.5: e-value of harm that holds
    least_units: int = 50  # 4.5; with 10 units false alarms reach 8.8 % (4.4)
    least_looks: int = 5  # 4.5
    least_events: int = 20  # 4.3: slow or failed requests per arm, for the log-ratio
    # Errors are safe too when surely fewer of all requests than this fail beyond control's: where hardly any fails, no
    # ratio can be proved, and every rollout would end as a question. 0 asks for the ratio alone.
    error_points: float = 0.001
    uncertified_to: float = 5.0  # 4.5: percent up to which dwell without a hold is enough
    # 4.5 names a longest dwell without a number; after a day every hour of the day has been seen once
    longest_dwell_min: float = 24 * 60
    silence_s: float = 5 * 60  # 4.5: without telemetry for so long, hold
    ratio_alarm: float = 1000.0  # 4.3: e-value of the sample-ratio test
    stop_share: float = 0.20  # 4.5, hard stop, over 2 minutes: error share,
    stop_errors: int = 30  # errors
    stop_units: int = 5  # and units that had one
    back_to_certified: bool = False  # 4.5: else a rollback goes to 0

    @property
    def alarm_at(self) -> float:
        """The e-value that counts as proof, of harm as of safety: alpha is split between the metrics (Bonferroni)."""
        return len(self.limits) / self.alpha
