"""Breakers of real processes while their Redis, or they themselves, are killed."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from monitoring.breakers import Breaker, OpenError, Permit, Policy, State
from monitoring.breakers.policy import every_error_is_a_failure
from monitoring.breakers.registry import Registry
from tests import services
from tests.monitoring.processes import Forked

pytestmark = pytest.mark.chaos

IS_FULL = os.environ.get("HOLDFAST_CHAOS") == "full"
PROCESSES = 16 if IS_FULL else 6
KILLS = 40 if IS_FULL else 5
PATIENCE_S = 60
_registries: list[Registry] = []


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    """The keepers go on in their threads: have them tell nothing to the tests that follow."""
    yield
    for registry in _registries:
        registry.breakers.clear()
    _registries.clear()


def make_breaker(name: str, policy: Policy) -> Breaker:
    """With a registry of its own, whose keeper runs: a process as it is in production."""
    registry = Registry()
    _registries.append(registry)
    return registry.register(
        name, title=name.title(), policy=policy, fallback_text="", classify=every_error_is_a_failure
    )


def wait(until: Callable[[], bool], *, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < deadline, f"still waiting for {what} after {PATIENCE_S} s"
        time.sleep(0.02)


def attempt(breaker: Breaker) -> Permit | None:
    try:
        return breaker.admit()
    except OpenError:
        return None


def has_probed(breaker: Breaker) -> bool:
    """Whether it was given a place, and used it well."""
    if permit := attempt(breaker):
        permit.succeed()
    return permit is not None


class Watcher:
    """A process whose calls succeed, and that says each state that it comes to see."""

    def __init__(self, name: str, policy: Policy, *, until: State) -> None:
        def work(say: Callable[[Any], None]) -> None:
            breaker = make_breaker(name, policy)
            states: list[State] = []
            deadline = time.monotonic() + PATIENCE_S
            while not (states and states[-1] is until) and time.monotonic() < deadline:
                has_probed(breaker)
                if breaker.state not in states[-1:]:
                    states.append(breaker.state)
                    say(breaker.state)
                time.sleep(0.01)
            os._exit(0)

        self.process = Forked(work)

    def sees(self, state: State) -> None:
        while self.process.hear() is not state:
            pass


@contextmanager
def killed_redis() -> Iterator[None]:
    """Afterwards it runs again, empty."""
    services.kill("cache")
    try:
        yield
    finally:
        services.revive("cache")


def test_an_open_breaker_stays_open_for_all_while_redis_is_killed_and_when_it_comes_back_empty() -> None:
    policy = Policy(consecutive=3, open_s=120, open_limit_s=120)
    mine = make_breaker("killed", policy)
    for _ in range(3):
        mine.admit().fail("504")
    others = [make_breaker("killed", policy) for _ in range(3)]
    assert [attempt(other) for other in others] == [None] * 3
    with killed_redis():
        wait(lambda: not any(each.is_shared for each in (mine, *others)), what="everybody to notice")
        assert [attempt(each) for each in (mine, *others)] == [None] * 4
    wait(lambda: all(each.is_shared for each in (mine, *others)), what="everybody to come back")
    wait(lambda: attempt(make_breaker("killed", policy)) is None, what="a newcomer to be told")
    assert {each.state for each in (mine, *others)} == {State.OPEN}
    assert 60 < mine.retry_after_s <= 120


def test_without_redis_each_process_protects_itself_and_afterwards_all_agree() -> None:
    policy = Policy(consecutive=3, open_s=120, open_limit_s=120)
    failing, watching = make_breaker("alone", policy), make_breaker("alone", policy)
    failing.call(lambda: None)
    watching.call(lambda: None)
    with killed_redis():
        wait(lambda: not failing.is_shared, what="it to notice")
        for _ in range(3):
            failing.admit().fail("504")
        assert failing.state is State.OPEN
        assert watching.state is State.CLOSED
    wait(lambda: watching.state is State.OPEN, what="the other to be told")


def test_killed_probers_never_wedge_a_half_open_breaker_nor_exceed_its_places() -> None:
    policy = Policy(consecutive=1, open_s=0.1, open_limit_s=0.2, probes=2, successes=2, probe_s=0.4)
    make_breaker("wedge", policy).admit().fail("504")

    def work(say: Callable[[Any], None]) -> None:
        breaker = make_breaker("wedge", policy)
        wait(lambda: attempt(breaker) is not None, what="a place")
        say(True)
        time.sleep(PATIENCE_S)

    chance = random.Random(7)
    for _ in range(KILLS):
        children = [Forked(work) for _ in range(2)]
        assert [child.hear() for child in children] == [True, True]
        chance.shuffle(children)
        for child in children:
            child.kill()
            child.end()
    last = make_breaker("wedge", policy)
    for _ in range(2):
        wait(lambda: has_probed(last), what="a place after the kills")
    assert last.state is State.CLOSED


def test_all_processes_see_an_outage_soon() -> None:
    policy = Policy(consecutive=3, open_s=120)
    mine = make_breaker("outage", policy)
    watchers = [Watcher("outage", policy, until=State.OPEN) for _ in range(PROCESSES)]
    for watcher in watchers:
        watcher.sees(State.CLOSED)
    for _ in range(3):
        mine.admit().fail("504")
    for watcher in watchers:
        watcher.sees(State.OPEN)
    assert [watcher.process.end() for watcher in watchers] == [0] * PROCESSES


def test_all_processes_see_its_end_soon() -> None:
    policy = Policy(consecutive=3, open_s=1, open_limit_s=1)
    mine = make_breaker("end", policy)
    for _ in range(3):
        mine.admit().fail("504")
    # whoever is given a place probes, and all see what comes of it
    watchers = [Watcher("end", policy, until=State.CLOSED) for _ in range(PROCESSES)]
    for watcher in watchers:
        watcher.sees(State.CLOSED)
    assert [watcher.process.end() for watcher in watchers] == [0] * PROCESSES
    wait(lambda: mine.state is State.CLOSED, what="the one that opened it")
