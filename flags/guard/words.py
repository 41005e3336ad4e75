"""Decisions written down: a sentence per reason for people, and the evidence as JSON for the history."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from flags.guard.findings import Finding, Findings, e_value
from flags.guard.policy import Policy
from flags.guard.statistics.units import Metric
from flags.guard.verdict import Health, Recent, Standing

NAMES: Final = {Metric.LATENCY: "Latency", Metric.SLOW: "The share of slow requests", Metric.ERRORS: "The error rate"}


def compared(metric: Metric, finding: Finding) -> str:
    """Latency is 12.3 % above control's (e-value of harm 140)."""
    return f"{NAMES[metric]} {_difference(finding.ratio)} (e-value of harm {_short(e_value(finding.ln_harm))})."


def unproved(metrics: tuple[Metric, ...], policy: Policy, findings: Findings) -> str:
    """Which metrics aren't certified, with how far each is."""
    parts = [f"{NAMES[m].lower()} {_short(e_value(findings[m].ln_safe))}" for m in metrics]
    return f"Not proved safe yet (e-values of safety, {policy.alarm_at:g} needed): {', '.join(parts)}."


def snapshot(
    policy: Policy, standing: Standing, findings: Findings, recent: Recent, health: Health
) -> dict[str, object]:
    """All that a decision rests on, for the audit: only JSON's types, no infinity."""
    return {
        "standing": asdict(standing) | {"percent": policy.stages[standing.stage].percent},
        "metrics": {
            metric.value: findings[metric].snapshot() | {"margin": limit.margin, "floor": limit.floor}
            for metric, limit in policy.limits.items()
        },
        "thresholds": {"harm": policy.alarm_at, "safe": policy.alarm_at, "warning": policy.warn_at},
        "sample_ratio": {"e": e_value(health.ln_ratio), "threshold": policy.ratio_alarm},
        "recent": asdict(recent) | {"error_share": round(recent.error_share, 6)},
        "health": {
            "silent_s": health.silent_s,
            "breakers": list(health.breakers),
            "incidents": list(health.incidents),
            "accepted": sorted(health.accepted),
        },
    }


def _difference(ratio: float | None) -> str:
    if ratio is None:
        return "can't be compared yet"
    return f"is {abs(ratio - 1):.1%}".replace("%", " %") + f" {'above' if ratio >= 1 else 'below'} control's"


def _short(e: float) -> str:
    return "over a million" if e > 1e6 else f"{e:,.0f}" if e >= 10 else f"{e:.2g}"
