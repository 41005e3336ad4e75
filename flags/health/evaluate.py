"""The drill feature-flags-test: flags of its own are asked 100,000 times, and what they answer is counted.

Bounds are 4.5 standard deviations of what chance does to a share of so many units: one run in 100,000 goes beyond.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from time import perf_counter
from typing import Final

from flags import rollout
from flags.health import sandbox
from monitoring.health.drills import Drill, require

UNITS: Final = tuple(f"unit-{number}" for number in range(20_000))
SHARE, AFTER, OTHER = 25, 50, 50
SIGMAS: Final = 4.5
ASKED: Final = 100_000
PRO: Final = {"plan": "pro"}
RULES: Final = [{"if": [{"attribute": "plan", "operator": "in", "values": ["pro", "team"]}], "then": True}]
PLAIN_US, RULED_US = 20.0, 60.0


def feature_flags(drill: Drill) -> None:
    with drill.step("make three flags") as step:
        plain = sandbox.make(drill, "plain", percent=SHARE)
        ruled = sandbox.make(drill, "ruled", percent=SHARE, rules=RULES)
        needing = sandbox.make(drill, "needing", percent=OTHER, needs=[plain])
        step.detail = "a share alone, a share with a rule, and one that needs the first"
    timed = _Timed()
    with drill.step(f"ask for {SHARE} % of {len(UNITS):,} units, twice") as step:
        first = timed(lambda unit: rollout.is_on(plain, unit))
        require(timed(lambda unit: rollout.is_on(plain, unit)) == first, "The same units got other answers.")
        step.detail = f"{len(first):,} units, the same ones both times"
    drill.figure("share of the first", _off(first, SHARE), "pt off", slack(SHARE))
    drill.figure("one evaluation", timed.each_us, "µs", PLAIN_US)
    more = _with_more(drill, ruled, needing, first)
    drill.figure("one with rules or needs", more.each_us, "µs", RULED_US)
    with drill.step(f"raise the first to {AFTER} %") as step:
        sandbox.edit(drill, plain, {"percent": AFTER})
        after = timed(lambda unit: rollout.is_on(plain, unit))
        require(first <= after, "Somebody who had it lost it while the share rose.")
        step.detail = f"{len(after):,} units, those from before among them"
    drill.figure("share after raising", _off(after, AFTER), "pt off", slack(AFTER))
    drill.figure("evaluations", timed.asked + more.asked, "", ASKED, at_most=False)


def _with_more(drill: Drill, ruled: str, needing: str, first: set[str]) -> _Timed:
    """Rules and needs, timed by themselves."""
    timed, half = _Timed(), set(UNITS[::2])
    with drill.step("ask for a rule that fits every other unit") as step:
        found = timed(lambda unit: rollout.is_on(ruled, unit, attributes=PRO if unit in half else {}))
        require(half <= found, "The rule did not turn it on for all who fit it.")
        require(len(found) < len(UNITS), "It is on for all, whatever the rule says.")
        step.detail = f"all {len(half):,} that fit it, and {len(found - half):,} of the others by their share"
    with drill.step("ask for the one that needs the first") as step:
        both = timed(lambda unit: rollout.is_on(needing, unit))
        require(both <= first, "It is on for units for which what it needs is off.")
        step.detail = f"{len(both):,} units, all of which have the first"
    # drawn apart from each other, the two shares multiply
    expected = SHARE * OTHER / 100
    drill.figure("independence of two flags", _off(both, expected), "pt off", slack(expected))
    return timed


def slack(percent: float, units: int = len(UNITS)) -> float:
    """What chance explains, in percentage points."""
    return round(SIGMAS * sqrt(percent * (100 - percent) / units), 3)


def _off(found: set[str], percent: float) -> float:
    return abs(len(found) / len(UNITS) * 100 - percent)


class _Timed:
    """Asks for all units, and knows what one question took."""

    def __init__(self) -> None:
        self.asked = 0
        self.seconds = 0.0

    def __call__(self, ask: Callable[[str], bool]) -> set[str]:
        began = perf_counter()
        found = {unit for unit in UNITS if ask(unit)}
        self.seconds += perf_counter() - began
        self.asked += len(UNITS)
        return found

    @property
    def each_us(self) -> float:
        return self.seconds / self.asked * 1e6
