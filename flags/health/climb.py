"""The drill rollout-test: a real plan takes a flag of its own through its stages, and is rolled back."""

from __future__ import annotations

from time import perf_counter
from typing import Final

from flags import plan
from flags.health import sandbox
from flags.health.evaluate import slack
from flags.models import RolloutPlan
from monitoring.health.drills import Drill, require

UNITS: Final = tuple(f"unit-{number}" for number in range(5000))
STAGES: Final = (1, 5, 10, 25, 50, 100)
DWELL_MIN: Final = 60.0  # nothing but the drill moves it on
AGAIN: Final = 10
STEP_MS: Final = 1000.0


def rollout(drill: Drill) -> None:
    with drill.step("make a flag at 0 %") as step:
        name = sandbox.make(drill, percent=0)
        require(not sandbox.on(name, UNITS), "Some units have it at 0 %.")
        step.detail = f"none of {len(UNITS):,} units; no other flag is touched"
    climb = _Climb(drill, name)
    for stage in STAGES:
        climb.to(stage)
    with drill.step("roll it back") as step:
        with sandbox.untold(drill.scope) as now:
            plan.roll_back(name, by=sandbox.BY, reason=sandbox.REASON, now=now)
        require(not sandbox.on(name, UNITS), "Some units have it after it was rolled back.")
        step.detail = "nobody has it"
    with drill.step(f"raise it to {AGAIN} % again") as step:
        sandbox.edit(drill, name, {"percent": AGAIN})
        require(sandbox.on(name, UNITS) == climb.seen[AGAIN], "Others have it than on the way up.")
        step.detail = "the same units as on the way up"
    drill.figure("farthest from a stage's share, of what chance explains", climb.worst, "of 1", 1.0)
    drill.figure("slowest step of the plan", climb.slowest_ms, "ms", STEP_MS)


class _Climb:
    """The way up, and who had the flag at each stage."""

    def __init__(self, drill: Drill, name: str) -> None:
        self.drill = drill
        self.name = name
        self.seen: dict[int, set[str]] = {0: set()}
        self.worst = 0.0
        self.slowest_ms = 0.0

    def to(self, stage: int) -> None:
        is_first = stage == STAGES[0]
        with self.drill.step(f"start a plan at {stage} %" if is_first else f"advance to {stage} %") as step:
            began = perf_counter()
            self._start() if is_first else self._advance()
            self.slowest_ms = max(self.slowest_ms, (perf_counter() - began) * 1000)
            found, before = sandbox.on(self.name, UNITS), self.seen[max(self.seen)]
            require(before <= found, "Somebody who had it lost it while the share rose.")
            require(stage < 100 or len(found) == len(UNITS), "Somebody doesn't have it at 100 %.")
            off_pt = abs(len(found) / len(UNITS) * 100 - stage)
            self.worst = max(self.worst, off_pt / (slack(stage, len(UNITS)) or 1.0))
            self.seen[stage] = found
            step.detail = f"{len(found):,} of {len(UNITS):,} units, all of the stage before among them"

    def _start(self) -> None:
        with sandbox.untold(self.drill.scope) as now:
            stages = [(stage, DWELL_MIN) for stage in STAGES]
            made = plan.start(self.name, stages=stages, by=sandbox.BY, reason=sandbox.REASON, now=now)
            # looked at just now: the guard looks again in a minute, when the drill is over, and tells nobody of it
            RolloutPlan.objects.filter(pk=made.pk).update(looked_at=now)

    def _advance(self) -> None:
        with sandbox.untold(self.drill.scope) as now:
            plan.advance(self.name, by=sandbox.BY, reason=sandbox.REASON, now=now)
