"""The guard in the world of reference/flags.md 4.4: how often it cries wolf, and how often it sees one.

Every run of the tests takes the short form: fewer repetitions in a smaller world, enough to catch a broken method,
which the naive test shows. `HOLDFAST_SIMULATION=full pytest tests/flags/guard/test_simulation.py -s` takes the whole,
400 repetitions of 4,000 units and 100 looks each: some five minutes of one core.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from tests.flags.guard.runs import Run, median_look, most, naive_rate, rate, simulate
from tests.flags.guard.world import Plan, Truth

FULL = os.environ.get("HOLDFAST_SIMULATION") == "full"
STEADY, FEW, RAMP = Plan((10,)), Plan((2,)), Plan((2, 10, 25, 50))
# the short form has fewer units where false alarms are counted: they come from looking often, at 100 exposed as at 400.
# At 2 % a smaller world would have too few to judge, so it is looked at less often. Power depends on the units.
SMALL = {STEADY: replace(STEADY, units=1000), RAMP: replace(RAMP, units=1000), FEW: replace(FEW, looks=30)}
QUIET_RUNS, HARM_RUNS = (400, 400) if FULL else (25, 5)
POWER = 0.9

# what nobody did harms nobody
QUIET = {
    "A/A at 10 %": (STEADY, Truth()),
    "A/A at 2 %": (FEW, Truth()),
    "A/A ramp, drift +30 %": (RAMP, Truth(drift=1.3)),
}
HARM = {
    "latency +10 % at 10 %": (STEADY, Truth(latency=1.1)),
    "errors x1.5 at 10 %": (STEADY, Truth(errors=1.5)),
    "3 % of requests x3 at 10 %": (STEADY, Truth(tail_share=0.03)),
    "latency +10 % ramp, drift +30 %": (RAMP, Truth(latency=1.1, drift=1.3)),
    "errors x1.5 ramp, drift +30 %": (RAMP, Truth(errors=1.5, drift=1.3)),
}


def judged(name: str, plan: Plan, truth: Truth, repetitions: int) -> list[Run]:
    runs = simulate(plan, truth, repetitions=repetitions, seed=20_261)
    if FULL:
        said = (f"{what} {rate(runs, what):.1%} (look {median_look(runs, what):.0f})" for what in Run.__slots__)
        print(f"\n{name}: {', '.join(said)}", flush=True)
    return runs


@pytest.mark.parametrize("name", QUIET)
def test_a_harmless_rollout_is_left_alone(name: str) -> None:
    plan, truth = QUIET[name]
    runs = judged(name, plan if FULL else SMALL[plan], truth, QUIET_RUNS)
    # the e-values alone keep to alpha: the floor under the estimate comes on top
    assert rate(runs, "rolled_back") <= rate(runs, "proved_harmful") <= most(QUIET_RUNS)
    assert rate(runs, "unbalanced") <= most(QUIET_RUNS, 0.001)


@pytest.mark.parametrize("name", HARM)
def test_a_harmful_rollout_is_rolled_back(name: str) -> None:
    plan, truth = HARM[name]
    runs = judged(name, plan if FULL else replace(plan, looks=20), truth, HARM_RUNS)
    assert rate(runs, "rolled_back") >= POWER
    # mean latency certifies a worse tail: it takes the share of slow requests to see it
    assert not truth.tail_share or rate(runs, "slow") >= POWER
    # and before it could have advanced on proof of safety
    fooled = [run for run in runs if run.certified and run.certified < (run.rolled_back or plan.looks + 1)]
    assert len(fooled) / len(runs) <= most(HARM_RUNS)


@pytest.mark.parametrize(("plan", "truth"), [(STEADY, Truth()), (RAMP, Truth(drift=1.3))], ids=["steady", "ramp"])
def test_the_z_test_that_people_ship_would_not_pass(plan: Plan, truth: Truth) -> None:
    """The same worlds, units and looks: a bound that can't tell methods apart would let this pass."""
    naive = naive_rate(plan if FULL else SMALL[plan], truth, repetitions=QUIET_RUNS, seed=7)
    assert naive > 3 * most(QUIET_RUNS)
