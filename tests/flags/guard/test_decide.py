"""What the guard does at a look: harm before health before proof, and nothing on too little."""

from __future__ import annotations

import json
from math import log

import pytest

from flags.guard.decide import decide
from flags.guard.findings import Finding
from flags.guard.policy import Policy
from flags.guard.statistics.units import Metric
from flags.guard.verdict import Action, Cause, Health, Verdict
from tests.flags.guard.make import make_finding, make_findings, make_recent, make_standing

HARMFUL = make_finding(1.2, ln_harm=log(61), ln_safe=0)
WARNING = make_finding(1.05, ln_harm=log(6))
UNPROVED = make_finding(1.0, ln_safe=log(59))
ILL = Health(ln_ratio=log(2000), silent_s=301, breakers=("claude",), incidents=("slow answers",))
OUTAGE = make_recent(requests=100, errors=30, failing_units=5)


def judged(**changes: object) -> Verdict:
    given = {"policy": Policy(), "standing": make_standing(), "findings": make_findings()}
    given |= {"recent": make_recent(), "health": Health()}
    return decide(**(given | changes))  # type: ignore[arg-type]


def test_a_certified_stage_advances_after_its_dwell() -> None:
    verdict = judged()
    assert (verdict.action, verdict.percent) == (Action.ADVANCE, 25)
    assert verdict.reasons == ("All metrics are proved to be inside their margins.",)


def test_a_certified_stage_waits_for_its_dwell() -> None:
    verdict = judged(standing=make_standing(in_stage_min=29))
    assert (verdict.action, verdict.percent) == (Action.WAIT, 10)
    assert verdict.reasons == ("1 of 30 minutes are left at 10 %.",)


@pytest.mark.parametrize("metric", Metric)
def test_proved_harm_of_any_metric_rolls_back_to_nothing(metric: Metric) -> None:
    verdict = judged(findings=make_findings(**{metric.value: HARMFUL}))
    assert (verdict.action, verdict.percent) == (Action.ROLL_BACK, 0)
    assert len(verdict.reasons) == 1
    assert "is 20.0 % above control's (e-value of harm 61)" in verdict.reasons[0]


def test_a_rollback_may_stop_at_the_last_certified_stage() -> None:
    verdict = judged(
        policy=Policy(back_to_certified=True),
        standing=make_standing(certified_percent=5),
        findings=make_findings(latency=HARMFUL),
    )
    assert verdict.percent == 5


def test_harm_is_seen_before_health() -> None:
    verdict = judged(findings=make_findings(latency=HARMFUL), health=ILL)
    assert verdict.action is Action.ROLL_BACK
    assert verdict.causes == ()


@pytest.mark.parametrize(("metric", "under"), [("latency", 1.029), ("slow", 1.09), ("errors", 1.09)])
def test_certain_harm_below_the_floor_holds_and_rolls_nothing_back(metric: str, under: float) -> None:
    verdict = judged(findings=make_findings(**{metric: make_finding(under, ln_harm=log(1000))}))
    assert (verdict.action, verdict.causes) == (Action.HOLD, (Cause.WARNING,))


def test_harm_short_of_proof_holds() -> None:
    verdict = judged(findings=make_findings(latency=make_finding(1.2, ln_harm=log(59))))
    assert (verdict.action, verdict.percent, verdict.causes) == (Action.HOLD, 10, (Cause.WARNING,))


@pytest.mark.parametrize("few", [{"looks": 4}, {"exposed_units": 49}])
def test_too_few_looks_or_units_prove_nothing(few: dict[str, int]) -> None:
    verdict = judged(standing=make_standing(**few), findings=make_findings(latency=HARMFUL, slow=WARNING))
    assert verdict.action is Action.WAIT


def test_the_hard_stop_needs_no_statistics() -> None:
    verdict = judged(standing=make_standing(looks=1, exposed_units=5), recent=OUTAGE)
    assert verdict.action is Action.ROLL_BACK
    assert verdict.reasons == ("30 % of the exposed requests of the last two minutes failed: 30 errors of 5 units.",)


@pytest.mark.parametrize("short", [{"requests": 151}, {"errors": 29, "requests": 40}, {"failing_units": 4}])
def test_the_hard_stop_needs_share_errors_and_units(short: dict[str, int]) -> None:
    recent = make_recent(**{"requests": 150, "errors": 30, "failing_units": 5} | short)
    assert judged(recent=recent).action is Action.ADVANCE


def test_each_cause_holds_with_its_reason() -> None:
    verdict = judged(findings=make_findings(slow=WARNING), health=ILL)
    assert verdict.action is Action.HOLD
    assert set(verdict.causes) == set(Cause)
    assert len(verdict.reasons) == len(Cause)


@pytest.mark.parametrize(
    "well",
    [Health(silent_s=299), Health(ln_ratio=log(999)), Health(accepted=frozenset(Cause))],
    ids=["silence", "ratio", "accepted"],
)
def test_limits_not_reached_hold_nothing(well: Health) -> None:
    assert judged(health=well).action is Action.ADVANCE


def test_accepted_causes_hold_no_longer_and_others_do() -> None:
    health = Health(incidents=("slow answers",), breakers=("claude",), accepted=frozenset({Cause.INCIDENT}))
    assert judged(health=health).causes == (Cause.BREAKER,)


def test_harm_that_was_accepted_as_a_warning_still_rolls_back() -> None:
    verdict = judged(findings=make_findings(latency=HARMFUL), health=Health(accepted=frozenset(Cause)))
    assert verdict.action is Action.ROLL_BACK


@pytest.mark.parametrize("stage", [0, 1])
def test_small_stages_advance_without_proof(stage: int) -> None:
    verdict = judged(standing=make_standing(stage=stage, exposed_units=10), findings=make_findings(errors=UNPROVED))
    assert verdict.action is Action.ADVANCE
    assert "can't be proved" in verdict.reasons[0]


@pytest.mark.parametrize("metric", Metric)
def test_larger_stages_wait_for_every_metric(metric: Metric) -> None:
    verdict = judged(findings=make_findings(**{metric.value: UNPROVED}))
    assert (verdict.action, verdict.percent) == (Action.WAIT, 10)
    assert "59" in verdict.reasons[0]


def test_what_stays_unproved_is_for_a_human() -> None:
    verdict = judged(standing=make_standing(in_stage_min=24 * 60), findings=make_findings(errors=UNPROVED))
    assert (verdict.action, verdict.percent) == (Action.ASK, 10)


def test_the_last_stage_finishes() -> None:
    verdict = judged(standing=make_standing(stage=5, in_stage_min=60), findings=make_findings(errors=UNPROVED))
    assert (verdict.action, verdict.percent) == (Action.FINISH, 100)


def test_the_evidence_is_json_without_infinity() -> None:
    findings = make_findings(latency=make_finding(None), errors=Finding(50.0, -1e9, 900.0, 1e6, -1e6))
    verdict = judged(findings=findings, health=ILL, recent=OUTAGE)
    kept = json.loads(json.dumps(verdict.evidence, allow_nan=False))
    assert kept["metrics"]["latency"]["ratio"] is None
    assert kept["metrics"]["errors"]["e_harm"] == 1e12
    assert kept["metrics"]["errors"]["low"] == 0
    assert kept["standing"]["percent"] == 10
    assert kept["thresholds"] == {"harm": 60, "safe": 60, "warning": 5}
