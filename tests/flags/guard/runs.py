"""Many rollouts of one world, each judged at every look, and the naive tests that the guard is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from flags.guard.decide import harms, held, may_judge, uncertified
from flags.guard.findings import weigh_looks
from flags.guard.policy import Policy, Stage
from flags.guard.statistics import ratio
from flags.guard.statistics.units import Array, Metric, Rollout, Stratum
from flags.guard.verdict import Cause, Health, Recent, Standing
from tests.flags.guard.world import Plan, Requests, Truth, make_requests, make_units, rollouts

QUIET = Recent(requests=0, errors=0, failing_units=0)


@dataclass(frozen=True, slots=True)
class Run:
    """The first look, from 1, at which a thing happened; None if never."""

    rolled_back: int | None
    proved_harmful: int | None  # as rolled back, but without the floor under the estimate: the e-values alone
    warned: int | None
    certified: int | None
    unbalanced: int | None  # the sample-ratio test
    latency: int | None  # proved harmful by this metric
    slow: int | None
    errors: int | None

    def happened(self, what: str) -> bool:
        return getattr(self, what) is not None


def simulate(plan: Plan, truth: Truth, *, repetitions: int, seed: int) -> list[Run]:
    """Independent rollouts. The seed makes them the same ones every time."""
    rngs = np.random.default_rng(seed).spawn(repetitions)
    return [_run(plan, rollouts(plan, truth, rng)) for rng in rngs]


def rate(runs: list[Run], what: str) -> float:
    """Share of runs in which it happened at any look."""
    return sum(run.happened(what) for run in runs) / len(runs)


def median_look(runs: list[Run], what: str) -> float:
    return float(np.median([getattr(run, what) for run in runs if run.happened(what)] or [np.nan]))


def most(repetitions: int, nominal: float = 0.05) -> float:
    """What a rate may reach by chance when the true one is nominal: two standard errors more."""
    return nominal + 2 * sqrt(nominal * (1 - nominal) / repetitions)


def _run(plan: Plan, stages: Iterator[Rollout]) -> Run:
    policy = Policy(stages=tuple(Stage(percent, np.inf) for percent in plan.percents))
    first: dict[str, int] = {}
    look = 0
    for stage, rollout in enumerate(stages):
        balance = _balance(rollout.strata[-1])
        units = _exposed_units(rollout)
        for row, findings in enumerate(weigh_looks(rollout, policy)):
            look += 1
            standing = Standing(stage, look - stage * plan.looks_each, look, int(units[row]))
            health = Health(ln_ratio=balance[row])
            proved = [metric for metric in findings if findings[metric].ln_harm >= log(policy.alarm_at)]
            seen = {
                "rolled_back": bool(harms(policy, standing, findings, QUIET)),
                "proved_harmful": bool(proved) and may_judge(policy, standing),
                "warned": Cause.WARNING in held(policy, standing, findings, health),
                "certified": not uncertified(policy, standing, findings),
                "unbalanced": Cause.RATIO in held(policy, standing, findings, health),
            } | {metric.value: metric in proved and may_judge(policy, standing) for metric in Metric}
            for what in (what for what, is_so in seen.items() if is_so):
                first.setdefault(what, look)
    return Run(**{name: first.get(name) for name in Run.__slots__})


def _balance(stratum: Stratum) -> list[float]:
    active = stratum.seen.requests > 0
    exposed, total = (active & stratum.exposed).sum(axis=-1), active.sum(axis=-1)
    return [ratio.ln_e(int(n), int(of - n), stratum.percent / 100) for n, of in zip(exposed, total, strict=True)]


def _exposed_units(rollout: Rollout) -> Array:
    counts = [((stratum.seen.requests > 0) & stratum.exposed).sum(axis=-1) for stratum in rollout.strata]
    largest: Array = np.max(np.stack(np.broadcast_arrays(*counts)), axis=0).astype(float)
    return largest


def naive_rate(plan: Plan, truth: Truth, *, repetitions: int, seed: int) -> float:
    """Share of runs in which the z-test over requests fires at any look."""
    rngs = np.random.default_rng(seed).spawn(repetitions)
    fired = [per_request_z(make_requests(make_units(plan, rng), plan, truth, rng), plan) for rng in rngs]
    return sum(fired) / repetitions


def per_request_z(requests: Requests, plan: Plan) -> bool:
    """What people ship: a z-test over requests, as if each were a unit, read at every look (p < 0.05, one-sided)."""
    exposed, control = (_moments(requests, plan, mask) for mask in (requests.exposed, ~requests.exposed))
    d = exposed[1] / exposed[0] - control[1] / control[0]
    variance = sum((square - total**2 / n) / n**2 for n, total, square in (exposed, control))
    return bool((d / np.sqrt(variance) > 1.645).any())


def _moments(requests: Requests, plan: Plan, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[Array]:
    """Running n, sum and sum of squares of ln latency of one arm, each (looks,)."""
    look, ln = requests.look[mask], requests.log_latency[mask]
    parts = (np.ones(ln.size), ln, np.square(ln))
    return [np.cumsum(np.bincount(look, part, plan.looks)) for part in parts]
