"""A service under a rollout: units that ask for a flag, minute by minute, on a clock that the test moves.

Everything between is the product's own: exposures noted where the flag is asked, sums sent to Redis, stored by the
collector, looked at by the watch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from flags import cohorts, plan, snapshot
from flags.change import Person
from flags.models import Flag, RolloutPlan
from flags.watch import Watch

BEGAN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ADA = Person("ada", may_change=True, may_approve=True)
BECAUSE = "Try it on a few of them first."
STAGES = ((30, 5), (60, 4), (100, 2))


@dataclass
class Service:
    """`units` make `requests` each in a minute; `latency` and `errors` are what being exposed multiplies."""

    name: str = "enhanced"
    units: int = 300
    requests: int = 4
    latency: float = 1.0
    error_share: float = 0.1
    errors: float = 1.0
    now: datetime = BEGAN
    lost: float = 0.0  # share of exposures that is never noted
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))
    watch: Watch = field(default_factory=Watch)

    def __post_init__(self) -> None:
        self.collector = cohorts.Collector()
        self.speed = self.rng.normal(np.log(0.75), 0.05, self.units)  # some are slower than a second

    def minute(self) -> None:
        """One minute's requests, stored and looked at."""
        noise = self.rng.normal(0, 0.3, (self.units, self.requests))
        failing, losing = self.rng.random((2, self.units, self.requests))
        for unit in range(self.units):
            for number in range(self.requests):
                scope = cohorts.begin("chat.response")
                is_exposed = cohorts.exposed(self.name, f"unit-{unit}")
                seconds = float(np.exp(self.speed[unit] + noise[unit, number])) * (self.latency if is_exposed else 1)
                share = self.error_share * (self.errors if is_exposed else 1)
                if is_exposed and losing[unit, number] < self.lost:
                    scope.noted.clear()
                cohorts.finish(scope, seconds, bool(failing[unit, number] < share))
        self.idle()

    def idle(self) -> None:
        """A minute in which nobody asks, or the end of one in which somebody did."""
        assert cohorts.flush(self.now.timestamp())
        self.now += timedelta(minutes=1)
        self.collector.tick(int(self.now.timestamp()))
        self.watch.tick(int(self.now.timestamp()))
        snapshot.forget()

    def run(self, until: Callable[[], bool], most: int) -> int:
        """Minutes until something is so; fails after `most`."""
        for minutes in range(1, most + 1):
            self.minute()
            if until():
                return minutes
        raise AssertionError(f"not so after {most} minutes: {self.plan.state}, {self.plan.said}")

    def start(self, **fields: Any) -> RolloutPlan:
        asked: dict[str, Any] = {"stages": STAGES, "by": ADA, "reason": BECAUSE, "now": self.now}
        made = plan.start(self.name, **asked | fields)
        snapshot.forget()
        return made

    @property
    def plan(self) -> RolloutPlan:
        found = plan.latest(self.flag.pk)
        assert found is not None
        return found

    @property
    def flag(self) -> Flag:
        found: Flag = Flag.objects.get(name=self.name)
        return found
