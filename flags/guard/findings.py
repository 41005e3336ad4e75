"""What the measurements say of each metric: estimate, band, and the evidence of harm and of safety."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, isfinite
from typing import Final

import numpy as np

from flags.guard.policy import Limit, Policy
from flags.guard.statistics import evidence, sparse
from flags.guard.statistics.estimate import Effect, effect
from flags.guard.statistics.units import Array, Metric, Rollout

# of the evidence on errors that is counted without units' habits. Small: it is needed where an arm has next to no
# errors, and there evidence comes by orders of magnitude. At a half, power for errors x 1.5 drops by 5 points or so.
SPARSE_SHARE: Final = 0.1
POINTS_SHARE: Final = 0.3  # of the evidence that the error share is next to control's, however large the ratio
LARGEST: Final = 1e12  # e-values beyond are written as this: JSON knows no infinity, and people no difference


@dataclass(frozen=True, slots=True)
class Finding:
    """One metric at one look. Effects are ln(exposed / control); None where there is too little to say."""

    effect: float | None
    low: float | None
    high: float | None
    ln_harm: float  # 0 is no evidence
    ln_safe: float

    @property
    def ratio(self) -> float | None:
        """Exposed over control: 1.1 is 10 % worse."""
        return None if self.effect is None else exp(self.effect)

    def snapshot(self) -> dict[str, float | None]:
        """As kept with a decision and drawn in a forest plot: ratios and e-values, JSON-able."""
        ratios = {"ratio": self.effect, "low": self.low, "high": self.high}
        written: dict[str, float | None] = {
            name: None if value is None else round(exp(min(value, 20.0)), 6) for name, value in ratios.items()
        }
        return written | {"e_harm": e_value(self.ln_harm), "e_safe": e_value(self.ln_safe)}


Findings = Mapping[Metric, Finding]


def weigh(rollout: Rollout, policy: Policy) -> dict[Metric, Finding]:
    """The findings at one look: the arrays of `rollout` have no leading axes."""
    return weigh_looks(rollout, policy)[0]


def weigh_looks(rollout: Rollout, policy: Policy) -> list[dict[Metric, Finding]]:
    """The findings at every look, for arrays with at most one leading axis (looks)."""
    columns = {metric: _columns(rollout, metric, policy) for metric in policy.limits}
    looks = max(len(column) for column in columns.values())
    return [{metric: _finding(column[look]) for metric, column in columns.items()} for look in range(looks)]


def e_value(ln_e: float) -> float:
    return round(min(exp(min(ln_e, 700.0)), LARGEST), 4)


def _columns(rollout: Rollout, metric: Metric, policy: Policy) -> Array:
    """effect, low, high, ln of harm and of safety; shape (looks, 5)."""
    limit = policy.limits[metric]
    found = effect(rollout, metric, least_units=policy.least_units, least_events=policy.least_events)
    low, high = evidence.band(found, tau=limit.tau, alpha=1 / policy.alarm_at)
    harm, safe = evidence.harm(found, tau=limit.tau), evidence.safety(found, margin=limit.margin)
    value = found.value
    if metric is Metric.ERRORS:
        value, harm, safe = _with_few_errors(rollout, limit, found, harm, safe)
        if policy.error_points:
            near = sparse.safety_in_points(rollout, points=policy.error_points)
            safe = evidence.mixed(safe, near, share=POINTS_SHARE)
    return np.stack([np.atleast_1d(part) for part in np.broadcast_arrays(value, low, high, harm, safe)], axis=-1)


def _with_few_errors(
    rollout: Rollout, limit: Limit, found: Effect, harm: Array, safe: Array
) -> tuple[Array, Array, Array]:
    """Errors are judged by both methods: a mixture of two e-values is one, so there is no moment of switching."""
    spread = sparse.overdispersion(rollout)
    value = np.where(np.isnan(found.value), sparse.ln_ratio(rollout.minutes), found.value)
    harm = evidence.mixed(harm, sparse.harm(rollout.minutes, spread), share=SPARSE_SHARE)
    safe = evidence.mixed(safe, sparse.safety(rollout.minutes, spread, margin=limit.margin), share=SPARSE_SHARE)
    return value, harm, safe


def _finding(row: Array) -> Finding:
    value, low, high = (float(part) if isfinite(part) else None for part in row[:3])
    return Finding(value, low, high, float(row[3]), float(row[4]))
