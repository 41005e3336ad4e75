"""Builders of the guard's nouns: few units, everything by hand, nothing wrong unless asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from flags.guard.findings import Finding
from flags.guard.statistics.units import Array, Metric, Minutes, Rollout, Stratum, Tally
from flags.guard.verdict import Recent, Standing

UNITS = 400


def make_tally(rng: np.random.Generator, *, units: int = UNITS, ln_ms: Array | None = None, **share: Array) -> Tally:
    """Units with 20 to 60 requests each; `ln_ms`, `slow` and `errors` are means per request and unit."""
    requests = rng.integers(20, 60, units).astype(float)
    mean = np.full(units, 5.0) if ln_ms is None else ln_ms
    slow, errors = share.get("slow", np.full(units, 0.1)), share.get("errors", np.full(units, 0.1))
    return Tally(
        requests,
        requests * (mean + rng.normal(0, 0.1, units)),
        rng.binomial(requests.astype(int), slow).astype(float),
        rng.binomial(requests.astype(int), errors).astype(float),
    )


def make_stratum(seed: int = 1, *, percent: float = 50, worse: float = 1.0) -> Stratum:
    """Half of the units exposed, and `worse` times as slow, as often slow, and as often failing."""
    exposed = np.arange(UNITS) % 2 == 0
    times = np.where(exposed, worse, 1.0)
    seen = make_tally(np.random.default_rng(seed), ln_ms=5 + np.log(times), slow=0.1 * times, errors=0.1 * times)
    return Stratum(percent, exposed, seen)


def make_minutes(exposed: tuple[float, float] = (1000, 10), control: tuple[float, float] = (1000, 10)) -> Minutes:
    """One minute: requests and errors of each arm."""
    return Minutes(*(np.array([float(part)]) for part in (exposed[0], control[0], exposed[1], control[1])))


def make_rollout(*strata: Stratum, before: Tally | None = None, minutes: Minutes | None = None) -> Rollout:
    history = make_tally(np.random.default_rng(99)) if before is None else before
    return Rollout(history, strata or (make_stratum(),), make_minutes() if minutes is None else minutes)


def make_finding(ratio: float | None = 1.0, *, ln_harm: float = 0.0, ln_safe: float = 10.0) -> Finding:
    """Certified safe."""
    effect = None if ratio is None else float(np.log(ratio))
    return Finding(effect, effect, effect, ln_harm, ln_safe)


def make_findings(**changes: Finding) -> dict[Metric, Finding]:
    return {metric: changes.get(metric.value, make_finding()) for metric in Metric}


def make_standing(**changes: Any) -> Standing:
    """At 10 %, the dwell over, with units and looks enough."""
    return Standing(**{"stage": 2, "in_stage_min": 31, "looks": 60, "exposed_units": 400} | changes)


def make_recent(**changes: Any) -> Recent:
    return Recent(**{"requests": 500, "errors": 2, "failing_units": 2} | changes)
