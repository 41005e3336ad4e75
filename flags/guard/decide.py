"""What to do with a rollout at one look: harm first, then health, then whether it has proved itself.

The order is the point: a guard that asks for health first lets a broken sample ratio hide harm (reference/flags.md
4.1). Nothing here reads or writes; the caller compares and swaps, and keeps the evidence with what it did.
"""

from __future__ import annotations

from math import log

from flags.guard import words
from flags.guard.findings import Findings, e_value
from flags.guard.policy import Policy
from flags.guard.statistics.units import Metric
from flags.guard.stop import is_hard_stop
from flags.guard.verdict import Action, Cause, Health, Recent, Standing, Verdict


def decide(*, policy: Policy, standing: Standing, findings: Findings, recent: Recent, health: Health) -> Verdict:
    """What to do now. Raises IndexError for a stage that the policy doesn't have."""
    action, percent = Action.HOLD, policy.stages[standing.stage].percent
    reasons = harms(policy, standing, findings, recent)
    holds = {} if reasons else held(policy, standing, findings, health)
    if reasons:
        action = Action.ROLL_BACK
        percent = standing.certified_percent if policy.back_to_certified else 0.0
    elif holds:
        reasons = tuple(holds.values())
    else:
        action, reason = _onward(policy, standing, findings)
        reasons = (reason,)
        percent = policy.stages[standing.stage + 1].percent if action is Action.ADVANCE else percent
    return Verdict(action, percent, reasons, tuple(holds), words.snapshot(policy, standing, findings, recent, health))


def harms(policy: Policy, standing: Standing, findings: Findings, recent: Recent) -> tuple[str, ...]:
    """Why to roll back, if at all: the hard stop, or proof of harm whose estimate is over the metric's floor."""
    reasons = []
    if is_hard_stop(recent, policy):
        reasons.append(
            f"{recent.error_share:.0%}".replace("%", " %") + " of the exposed requests of the last two minutes failed: "
            f"{recent.errors} errors of {recent.failing_units} units."
        )
    if may_judge(policy, standing):
        reasons += [words.compared(m, findings[m]) for m in policy.limits if _is_harmful(policy, findings, m)]
    return tuple(reasons)


def held(policy: Policy, standing: Standing, findings: Findings, health: Health) -> dict[Cause, str]:
    """Why to stay, by cause, without the causes that somebody accepted."""
    found = {
        Cause.WARNING: _warning(policy, standing, findings),
        Cause.RATIO: health.ln_ratio >= log(policy.ratio_alarm)
        and f"Units aren't exposed in the flag's ratio: exposures get lost (e-value {e_value(health.ln_ratio):,.0f}).",
        Cause.SILENCE: health.silent_s >= policy.silence_s
        and f"Nothing was measured for {health.silent_s / 60:.0f} minutes.",
        Cause.BREAKER: health.breakers and f"Breakers are open in the exposed cohort: {', '.join(health.breakers)}.",
        Cause.INCIDENT: health.incidents and f"Incidents are open: {', '.join(health.incidents)}.",
    }
    return {cause: str(said) for cause, said in found.items() if said and cause not in health.accepted}


def uncertified(policy: Policy, standing: Standing, findings: Findings) -> tuple[Metric, ...]:
    """The metrics not yet proved to be inside their margins: all of them while there is too little to judge."""
    if not may_judge(policy, standing):
        return tuple(policy.limits)
    return tuple(metric for metric in policy.limits if findings[metric].ln_safe < log(policy.alarm_at))


def may_judge(policy: Policy, standing: Standing) -> bool:
    """Whether there are units and looks enough for statistics to say anything, good or bad."""
    return standing.exposed_units >= policy.least_units and standing.looks >= policy.least_looks


def _onward(policy: Policy, standing: Standing, findings: Findings) -> tuple[Action, str]:
    """Neither harm nor hold: whether the stage is over. What can't be proved is never shipped silently."""
    stage = policy.stages[standing.stage]
    if standing.in_stage_min < stage.dwell_min:
        left_min = stage.dwell_min - standing.in_stage_min
        return Action.WAIT, f"{left_min:.0f} of {stage.dwell_min:g} minutes are left at {stage.percent:g} %."
    if standing.stage == len(policy.stages) - 1:
        return Action.FINISH, f"The last stage, {stage.percent:g} %, is over without harm."
    missing = uncertified(policy, standing, findings)
    if not missing:
        return Action.ADVANCE, "All metrics are proved to be inside their margins."
    if stage.percent <= policy.uncertified_to:
        return Action.ADVANCE, f"No harm was seen at {stage.percent:g} %, where safety can't be proved."
    unproved = words.unproved(missing, policy, findings)
    if standing.in_stage_min >= policy.longest_dwell_min:
        return Action.ASK, f"{unproved} It has stood at {stage.percent:g} % for {standing.in_stage_min / 60:.0f} hours."
    return Action.WAIT, unproved


def _is_harmful(policy: Policy, findings: Findings, metric: Metric) -> bool:
    finding = findings[metric]
    over_floor = finding.ratio is not None and finding.ratio >= policy.limits[metric].floor
    return over_floor and finding.ln_harm >= log(policy.alarm_at)


def _warning(policy: Policy, standing: Standing, findings: Findings) -> str:
    warned = [metric for metric in policy.limits if findings[metric].ln_harm >= log(policy.warn_at)]
    said = " ".join(words.compared(metric, findings[metric]) for metric in warned)
    return said if may_judge(policy, standing) else ""
