"""What a process does while Redis is away, and what happens when it comes back."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from monitoring.breakers import OpenError, Permit, State
from monitoring.breakers.breaker import ALONE_S
from monitoring.breakers.shared.store import PREFIX, TIMEOUT_S, Ask, AwayError, Store
from tests.monitoring.breakers.made import Clock, Process, make_processes


def refused(process: Process) -> OpenError:
    with pytest.raises(OpenError) as caught:
        process.breaker.admit()
    return caught.value


def come_back(process: Process) -> None:
    """As the keeper does: it is the only one that asks again."""
    process.find_redis()
    (answer,) = process.store.ask_all([process.breaker.question()], is_scout=True)
    process.breaker.hear(answer)


def time_of_own_probe(clock: Clock, process: Process) -> Permit:
    clock.move(process.breaker.retry_after_s + process.breaker.seen.open_s)
    return process.breaker.admit()


def test_its_own_window_opens_it(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=3)
    one.lose_redis()
    one.fail(2)
    assert one.state() is State.CLOSED
    one.fail()
    assert refused(one).state is State.OPEN
    assert not one.breaker.is_shared


def test_rates_are_judged_alone_too(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=None, minimum_calls=10, failure_rate=0.5)
    one.lose_redis()
    one.succeed(5)
    one.fail(4)
    assert one.state() is State.CLOSED
    one.fail()
    assert one.state() is State.OPEN


def test_a_trip_needs_no_store(clock: Clock) -> None:
    (one,) = make_processes(clock, 1)
    one.lose_redis()
    one.breaker.admit().trip("the key is refused")
    assert refused(one).state is State.OPEN


def test_what_was_open_stays_open_until_its_time(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=1, open_s=10)
    one.fail()
    one.lose_redis()
    clock.move(one.breaker.retry_after_s - 0.1)
    assert refused(one).state is State.OPEN


def test_then_one_probe_at_a_time_tries_and_enough_of_them_close_it_here(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=1, probes=3, successes=2)
    one.lose_redis()
    one.fail()
    first = time_of_own_probe(clock, one)
    assert first.is_probe
    assert refused(one).state is State.HALF_OPEN
    first.succeed()
    second = one.breaker.admit()
    refused(one)
    second.succeed()
    assert one.state() is State.CLOSED
    one.fail()
    assert one.state() is State.OPEN


def test_a_failing_probe_of_its_own_opens_it_for_longer(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=1, open_s=10)
    one.lose_redis()
    one.fail()
    time_of_own_probe(clock, one).fail("504")
    assert 18 <= one.breaker.retry_after_s <= 20


def test_a_probe_of_its_own_that_never_ends_gives_its_place_back(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=1, probe_s=5)
    one.lose_redis()
    one.fail()
    time_of_own_probe(clock, one)
    refused(one)
    clock.move(5.1)
    assert one.breaker.admit().is_probe


def test_a_store_that_is_away_for_a_moment_is_no_reason_to_probe_alone(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=1)
    one.fail()
    clock.move(3 * one.breaker.seen.open_s)
    one.lose_redis()
    assert refused(one).retry_after_s > 0
    clock.move(ALONE_S)
    assert one.breaker.admit().is_probe


def test_an_override_ends_although_redis_is_away(clock: Clock) -> None:
    (one,) = make_processes(clock, 1)
    one.succeed()
    args = ("forced_open", "id", 20_000, "ops", "a drill of ours")
    one.breaker.apply(one.store.ask(Ask("override", one.breaker.name, 0, one.breaker.card, False, args)))
    one.lose_redis()
    assert refused(one).state is State.FORCED_OPEN
    clock.move(20.1)
    one.succeed()
    assert one.state() is State.CLOSED


def test_nobody_waits_for_a_store_that_is_away(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=None, failure_rate=None)
    one.lose_redis()
    one.succeed()
    tries: list[int] = []
    one.store.client.evalsha = lambda *args: tries.append(1)  # type: ignore[method-assign]
    one.fail(1_000)
    assert tries == []


# Back again


def test_what_opened_alone_is_told_when_redis_is_back(clock: Clock) -> None:
    one, other = make_processes(clock, consecutive=3, open_s=10)
    other.succeed()
    one.succeed()
    one.lose_redis()
    one.fail(3)
    clock.move(4)
    come_back(one)
    assert one.breaker.is_shared
    other.breaker.sync()
    assert other.state() is State.OPEN
    assert 4 < other.breaker.retry_after_s <= 6  # what was left of it, not another ten seconds


def test_what_others_did_meanwhile_counts_for_more(clock: Clock) -> None:
    one, other = make_processes(clock, consecutive=3, successes=1)
    one.succeed()
    one.lose_redis()
    one.fail(3)
    other.fail(3)
    clock.move(10)
    other.breaker.admit().succeed()
    come_back(one)
    assert (one.state(), other.state()) == (State.CLOSED, State.CLOSED)


def test_failures_of_the_time_without_redis_are_not_told_twice(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=None, failures=10, failure_rate=None)
    one.fail(4)
    one.breaker.sync()
    one.lose_redis()
    one.fail(4)
    clock.move(1)
    come_back(one)
    come_back(one)
    answer = one.store.ask(Ask("look", one.breaker.name, 0))
    assert answer.figures[2] == 4 + 1  # three were told while nobody listened; they are in this process's window
    assert one.state() is State.CLOSED


@pytest.mark.parametrize("knows", ["open", "override"])
def test_after_a_flush_whoever_knows_more_tells_the_store(clock: Clock, knows: str) -> None:
    one, other = make_processes(clock, consecutive=1)
    if knows == "open":
        one.fail()
    else:
        args = ("forced_open", "id", 20_000, "ops", "a drill of ours")
        one.breaker.apply(one.store.ask(Ask("override", one.breaker.name, 0, one.breaker.card, False, args)))
    left_s = one.breaker.retry_after_s
    clock.redis.flushall()
    clock.show()
    other.succeed()  # a newcomer, who finds nothing
    one.breaker.sync()
    other.breaker.sync()
    assert other.state() is one.state() is (State.OPEN if knows == "open" else State.FORCED_OPEN)
    assert other.breaker.retry_after_s == pytest.approx(left_s, abs=0.01)
    assert other.breaker.seen.reason == one.breaker.seen.reason


def test_a_restored_older_copy_is_brought_up_to_date(clock: Clock) -> None:
    one, other = make_processes(clock, consecutive=1, successes=1)
    one.fail()
    copy = clock.redis.dump(f"{PREFIX}:{one.breaker.name}")
    clock.move(10)
    one.breaker.admit().succeed()
    assert copy is not None
    clock.redis.restore(f"{PREFIX}:{one.breaker.name}", 0, copy, replace=True)
    one.breaker.sync()
    other.succeed()
    assert (one.state(), other.state()) == (State.CLOSED, State.CLOSED)


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def test_a_redis_that_hangs_is_given_up_at_once_and_not_asked_again(deaf_port: int) -> None:
    assert TIMEOUT_S <= 0.05
    store = Store(f"redis://127.0.0.1:{deaf_port}/0", clock=lambda: 0.0)
    with pytest.raises(AwayError):
        store.ask(Ask("look", "deaf", 0))
    assert store.is_away
    began = time.thread_time()
    for _ in range(1_000):
        with pytest.raises(AwayError):
            store.ask(Ask("look", "deaf", 0))
    assert time.thread_time() - began < 1000 * TIMEOUT_S / 10  # nothing like a timeout each
