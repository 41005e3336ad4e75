"""Breakers of three processes on a real Redis, against a simple model, in whatever order things happen."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from monitoring.breakers import OpenError, Permit, Policy, State
from monitoring.breakers.shared.seen import DENIED_S
from monitoring.breakers.shared.store import Ask
from tests.monitoring.breakers.made import Clock, Process, make_policy
from tests.monitoring.breakers.model import Model

POLICIES = (
    make_policy(consecutive=3),
    make_policy(consecutive=None, failures=4, failure_rate=None, window_s=5, probes=1, successes=2),
    make_policy(consecutive=None, minimum_calls=6, failure_rate=0.5, probes=3, successes=1, open_s=4, open_limit_s=20),
    make_policy(consecutive=None, failure_rate=None, minimum_calls=4, slow_s=1, slow_rate=0.5, window_s=90),
    make_policy(consecutive=4, minimum_calls=8, failure_rate=0.3, probes=2, successes=4, probe_s=3),
)
ACTORS = st.integers(0, 2)
MODES = st.sampled_from([State.FORCED_OPEN, State.DISABLED, State.METRICS_ONLY])
OUTCOMES = st.sampled_from(["ok", "ok", "failed", "failed", "slow", "release"])
_numbers = itertools.count()


@dataclass(slots=True)
class Belief:
    """What a process last heard: it acts on this, not on the truth."""

    state: State = State.CLOSED
    version: int = 0
    until: int = 0
    run: int = 0
    denied_until: int = 0
    has_begun: bool = False


class Machine(RuleBasedStateMachine):
    @initialize(policy=st.sampled_from(POLICIES))
    def begin(self, policy: Policy) -> None:
        self.clock = Clock()
        self.name = f"machine-{next(_numbers)}"
        self.processes = [Process(self.clock, self.name, policy) for _ in range(3)]
        self.beliefs = [Belief() for _ in range(3)]
        self.model = Model(policy)
        self.held: list[tuple[int, Permit]] = []
        self.permits: dict[int, Permit] = {}

    # What processes do

    @rule(actor=ACTORS, outcome=OUTCOMES)
    def call(self, actor: int, outcome: str) -> None:
        permit = self.admit(actor)
        if permit is not None:
            self.settle(actor, permit, outcome)
        self.sync(actor)

    @rule(actor=ACTORS, outcome=st.sampled_from(["failed", "slow"]), probers=st.lists(ACTORS, max_size=6))
    def outage(self, actor: int, outcome: str, probers: list[int]) -> None:
        """The states that are worth most looks are those that take most steps to reach."""
        for _ in range(8):
            if self.model.effective is State.CLOSED:
                self.call(actor, outcome)
        if self.model.effective is State.OPEN and probers:
            self.cool_down()
            self.hold(probers)

    @rule(actors=st.lists(ACTORS, min_size=1, max_size=6))
    def hold(self, actors: list[int]) -> None:
        for actor in actors:
            permit = self.admit(actor)
            if permit is not None and permit.is_probe:
                self.held.append((actor, permit))

    @precondition(lambda self: self.held)
    @rule(outcome=OUTCOMES, data=st.data())
    def settle_held(self, outcome: str, data: st.DataObject) -> None:
        actor, permit = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        self.settle(actor, permit, outcome)
        self.sync(actor)

    @rule(actor=ACTORS)
    def sync(self, actor: int) -> None:
        self.processes[actor].breaker.sync()
        self.model.tick()
        self.learn(actor)
        self.agree(actor)

    # What happens to them

    @precondition(lambda self: not self.model.effective.lets_pass)
    @rule()
    def cool_down(self) -> None:
        # a millisecond more, since monotonic seconds are floats
        until = self.model.mode_until if self.model.mode else self.model.until
        self.wait(max(0, until - self.model.now) / 1000 + 0.001)

    @rule(seconds=st.sampled_from([0.1, 0.4, 1, 3, 7, 12, 40]))
    def wait(self, seconds: float) -> None:
        self.clock.move(seconds)
        self.model.now += round(seconds * 1000)

    @precondition(lambda self: not self.model.mode)
    @rule(mode=MODES, seconds=st.integers(1, 10))
    def override(self, mode: State, seconds: int) -> None:
        left_ms = seconds * 1000 + 50  # so that no wait ends in the very millisecond
        self.order("override", mode.value, f"id-{next(_numbers)}", left_ms, "ops", "because of the drill")
        self.model.tick()
        self.model.override(mode, self.model.now + left_ms)

    @precondition(lambda self: self.model.mode)
    @rule()
    def end(self) -> None:
        self.order("end", "", "ops", "the drill is over")
        self.model.tick()
        if self.model.mode:
            self.model.lift()

    @rule()
    def reset(self) -> None:
        self.order("reset", "ops", "we know better")
        self.model.tick()
        if not self.model.mode:
            self.model.reset()

    @rule(actor=ACTORS)
    def flush(self, actor: int) -> None:
        for each in range(3):
            self.sync(each)
        self.clock.redis.flushall()
        self.clock.show()
        self.sync(actor)
        self.model.flush()

    # What must be so

    @invariant()
    def the_window_is_the_list_of_calls(self) -> None:
        if hasattr(self, "model") and any(belief.has_begun for belief in self.beliefs):
            answer = self.order("look")
            self.model.tick()
            assert (answer.state, answer.version) == (self.model.effective, self.model.version)
            assert tuple(answer.figures[1:4]) == self.model.figures()

    # How the test keeps step

    def order(self, op: str, *args: str | int):  # type: ignore[no-untyped-def]
        breaker = self.processes[0].breaker
        return self.processes[0].store.ask(Ask(op, self.name, 0, breaker.card, False, args))

    def admit(self, actor: int) -> Permit | None:
        expected = self.expected(actor, token := object())
        try:
            permit = self.processes[actor].breaker.admit()
        except OpenError:
            assert expected is None
            return None
        assert expected is (State.HALF_OPEN if permit.is_probe else State.CLOSED)
        if permit.is_probe:
            self.model.permits[id(permit)] = self.model.permits.pop(token)
            self.permits[id(permit)] = permit
        return permit

    def expected(self, actor: int, token: object) -> State | None:
        belief, model = self.beliefs[actor], self.model
        if not belief.has_begun:
            model.tick()
            self.learn(actor)
        if belief.state.lets_pass:
            return State.CLOSED
        if model.now < max(belief.until, belief.denied_until):
            return None
        answer = model.admit(token)
        self.learn(actor)
        if answer is None and belief.state is State.HALF_OPEN:
            belief.denied_until = model.now + round(DENIED_S * 1000)
        return answer

    def settle(self, actor: int, permit: Permit, outcome: str) -> None:
        policy, belief = self.model.policy, self.beliefs[actor]
        is_slow = outcome == "slow" and policy.slow_s is not None
        took_s = 2.0 if is_slow else 0.0
        if outcome == "release":
            permit.release()
        elif outcome == "failed":
            permit.fail("504", took_s)
        else:
            permit.succeed(took_s)
        if permit.is_probe:
            passed = None if outcome == "release" else outcome != "failed" and not is_slow
            self.model.settle(id(permit), has_passed=passed)
        elif outcome != "release":
            belief.run = belief.run + 1 if outcome == "failed" else 0
            self.model.report(belief.version, belief.run, has_failed=outcome == "failed", was_slow=is_slow)

    def learn(self, actor: int) -> None:
        """The process and the model have both heard the truth: they must agree."""
        belief, model = self.beliefs[actor], self.model
        if belief.version != model.version:
            belief.run = 0
        belief.state, belief.version, belief.has_begun = model.effective, model.version, True
        belief.denied_until = 0
        belief.until = {State.OPEN: model.until, State.FORCED_OPEN: model.mode_until}.get(belief.state, 0)

    def agree(self, actor: int) -> None:
        """After each exchange: the same state, and an open time that the jitter allows."""
        breaker, model = self.processes[actor].breaker, self.model
        assert (breaker.state, breaker.seen.version) == (model.effective, model.version)
        if model.effective is State.OPEN:
            left_ms = breaker.retry_after_s * 1000
            assert breaker.seen.opens == model.opens
            assert math.floor(0.9 * model.longest_ms) <= breaker.seen.open_s * 1000 <= model.longest_ms
            model.until = model.now + round(left_ms)
            self.beliefs[actor].until = model.until


def test_breakers_of_three_processes_do_what_the_model_does() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=50, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
