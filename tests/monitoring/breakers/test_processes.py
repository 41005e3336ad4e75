"""Real processes and Redis' own clock: what one process alone can't show."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest

from monitoring.breakers import Breaker, OpenError, Permit, Policy, State
from tests.monitoring.breakers.made import make_store
from tests.monitoring.processes import Forked

PROCESSES = 16
ASKS = 50
PATIENCE_S = 30


def make_breaker(policy: Policy, *, clock: Callable[[], float] = time.monotonic) -> Breaker:
    """As each process makes its own."""
    return Breaker("shared", title="Shared", policy=policy, store=make_store(), clock=clock)


def hurried() -> Callable[[], float]:
    """A clock that runs ahead by a second at each look, so that every call asks Redis whether it is time."""
    return itertools.count(0.0, 1.0).__next__


def asked(breaker: Breaker) -> Permit | OpenError:
    try:
        return breaker.admit()
    except OpenError as error:
        return error


def probe_in_the_end(breaker: Breaker) -> Permit:
    deadline = time.monotonic() + PATIENCE_S
    while not isinstance(answer := asked(breaker), Permit):
        assert time.monotonic() < deadline, "no probe was allowed"
    assert answer.is_probe
    return answer


def opened(policy: Policy) -> None:
    breaker = make_breaker(policy)
    for _ in range(policy.consecutive or 0):
        breaker.admit().fail("504")
    assert breaker.state is State.OPEN


def test_sixteen_processes_are_allowed_exactly_as_many_probes_as_the_policy_says() -> None:
    policy = Policy(consecutive=1, open_s=0.3, probes=3, successes=3, probe_s=60)
    opened(policy)

    def work(say: Callable[[Any], None]) -> None:
        breaker = make_breaker(policy, clock=hurried())
        answers: list[Permit | OpenError] = []
        while len(answers) < ASKS:
            answer = asked(breaker)
            if isinstance(answer, Permit) or answer.state is State.HALF_OPEN:
                answers.append(answer)
        say(sum(isinstance(answer, Permit) for answer in answers))

    children = [Forked(work) for _ in range(PROCESSES)]
    probes = [child.hear() for child in children]
    assert [child.end() for child in children] == [0] * PROCESSES
    assert sum(probes) == 3


def test_the_place_of_a_killed_prober_comes_back() -> None:
    policy = Policy(consecutive=1, open_s=0.05, probes=1, successes=1, probe_s=0.5)
    opened(policy)

    def work(say: Callable[[Any], None]) -> None:
        say(probe_in_the_end(make_breaker(policy, clock=hurried())).is_probe)
        time.sleep(PATIENCE_S)

    child = Forked(work)
    assert child.hear()
    breaker = make_breaker(policy, clock=hurried())
    refusal = asked(breaker)
    assert isinstance(refusal, OpenError)
    assert refusal.state is State.HALF_OPEN
    child.kill()
    child.end()
    probe_in_the_end(breaker).succeed()
    assert breaker.state is State.CLOSED


@pytest.mark.parametrize("skew_s", [-3600.0, 3600.0])
def test_a_client_whose_clock_is_an_hour_off_changes_nothing(skew_s: float) -> None:
    policy = Policy(consecutive=1, open_s=20, probes=1, successes=1)
    now, monotonic = time.time, time.monotonic

    def work(say: Callable[[Any], None]) -> None:
        time.time = lambda: now() + skew_s
        breaker = make_breaker(policy, clock=lambda: monotonic() + skew_s)
        breaker.admit().fail("504")
        answer = asked(breaker)
        say((answer.state, answer.retry_after_s) if isinstance(answer, OpenError) else None)

    child = Forked(work)
    state, retry_after_s = child.hear()
    assert child.end() == 0
    mine = asked(make_breaker(policy))
    assert isinstance(mine, OpenError)
    assert state is mine.state is State.OPEN
    assert 10 < mine.retry_after_s <= 20
    assert retry_after_s == pytest.approx(mine.retry_after_s, abs=8)


def test_sixteen_processes_open_after_the_configured_failures_and_not_after_as_many_each() -> None:
    policy = Policy(consecutive=8, open_s=60)
    everybody = make_breaker(policy)

    def work(say: Callable[[Any], None]) -> None:
        breaker = make_breaker(policy)
        made = 0
        while not isinstance(permit := asked(breaker), OpenError):
            permit.fail("504")
            breaker.sync()
            made += 1
        say(made)

    children = [Forked(work) for _ in range(PROCESSES)]
    made = sum(child.hear() for child in children)
    assert [child.end() for child in children] == [0] * PROCESSES
    # each may have been in a call when the last failure that it takes was told
    assert 8 <= made <= 8 + PROCESSES
    everybody.sync()
    assert everybody.state is State.OPEN
