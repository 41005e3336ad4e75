"""Everything that one look rests on: what the cohorts did, where the plan stands, and what else speaks against it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flags.cohorts import read
from flags.guard.findings import Finding, Findings, weigh
from flags.guard.policy import Policy
from flags.guard.statistics import ratio
from flags.guard.statistics.units import Rollout
from flags.guard.verdict import Cause, Health, Recent, Standing
from flags.models import RolloutPlan, Stage
from flags.plan.terms import policy_of
from monitoring import alerts, breakers
from monitoring.models import Severity

NAMED: Final = 5  # breakers and incidents that are told by name
GAP: Final = timedelta(minutes=5)  # between two looks; what was longer was watched by nobody, and doesn't count
NOTHING: Final = Finding(None, None, None, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Outside:
    """What is wrong elsewhere. Asked before any row is locked: breakers live in Redis."""

    breakers: tuple[str, ...]
    incidents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """One look's ground."""

    policy: Policy
    standing: Standing
    findings: Findings
    recent: Recent
    health: Health
    arms: dict[str, dict[str, int]]  # units and requests of each, in this stage


def outside(now: datetime) -> Outside:
    """The breakers that refuse calls, and the critical alerts that people are told of."""
    cut_off = [view.title for view in breakers.overview(now) if not view.state.lets_pass]
    firing = [alert for alert in alerts.firing(now) if alert.severity == Severity.CRITICAL and not alert.is_quiet]
    return Outside(tuple(cut_off[:NAMED]), tuple(alert.title for alert in firing[:NAMED]))


def seen(plan: RolloutPlan, stages: list[Stage], ill: Outside, *, now: datetime) -> Seen:
    """What there is to decide by. Adds to the stage's soaked minutes; the caller saves the stage."""
    policy = policy_of(plan.policy, stages)
    stage = stages[plan.stage - 1]
    rollout = read.gathered(plan, now=now)
    # a plan that has just begun can't have been silent for longer
    silent_s = min(read.silent_s(plan.flag_id, now), (now - plan.starts_at).total_seconds())
    stage.soaked_min += _soaked_min(plan, stage, now) if silent_s < policy.silence_s else 0.0
    health = Health(
        silent_s=round(silent_s, 1),
        ln_ratio=0.0 if rollout is None else ratio.of_stratum(rollout.strata[-1]),
        breakers=ill.breakers,
        incidents=ill.incidents,
        accepted=frozenset(Cause(cause) for cause in plan.accepted),
    )
    return Seen(
        policy=policy,
        standing=Standing(
            stage=plan.stage - 1,
            in_stage_min=round(stage.soaked_min, 2),
            looks=plan.looks + 1,
            exposed_units=0 if rollout is None else rollout.exposed_units,
            certified_percent=float(plan.certified_percent),
        ),
        findings=dict.fromkeys(policy.limits, NOTHING) if rollout is None else weigh(rollout, policy),
        recent=read.recent(plan.flag_id, now),
        health=health,
        arms=_arms(rollout),
    )


def _soaked_min(plan: RolloutPlan, stage: Stage, now: datetime) -> float:
    """Minutes since the last look, or since the stage began."""
    since = max(moment for moment in (plan.looked_at, stage.began_at, now - GAP) if moment is not None)
    return max(0.0, (now - since).total_seconds() / 60)


def _arms(rollout: Rollout | None) -> dict[str, Any]:
    if rollout is None:
        return {"exposed": {"units": 0, "requests": 0}, "control": {"units": 0, "requests": 0}}
    stratum = rollout.strata[-1]
    active = stratum.seen.requests > 0
    arms = {"exposed": stratum.exposed, "control": ~stratum.exposed}
    return {
        name: {"units": int((active & mask).sum()), "requests": int(stratum.seen.requests[mask].sum())}
        for name, mask in arms.items()
    }
