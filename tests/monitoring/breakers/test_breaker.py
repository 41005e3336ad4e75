from __future__ import annotations

import threading
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded

from monitoring.breakers import OpenError, Permit, State, Verdict
from monitoring.breakers.breaker import UNSENT_FAILURES
from tests.monitoring.breakers.made import Clock, Process, make_policy, make_processes


def refused(process: Process) -> OpenError:
    with pytest.raises(OpenError) as caught:
        process.breaker.admit()
    return caught.value


def probe(process: Process) -> Permit:
    permit = process.breaker.admit()
    assert permit.is_probe
    return permit


def cool_down(clock: Clock, process: Process) -> None:
    clock.move(process.breaker.retry_after_s + 0.001)


def window(process: Process) -> tuple[int, int, int]:
    process.breaker.fold()
    return process.breaker.era.window.ok, process.breaker.era.window.failed, process.breaker.era.window.slow


def test_a_call_returns_what_it_returns_and_raises_what_it_raises(clock: Clock) -> None:
    (one,) = make_processes(clock, 1)
    assert [one.breaker.call(lambda: 7), one.breaker.call(lambda: 8)] == [7, 8]
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            one.breaker.call(lambda: 1 / 0)
    assert window(one) == (2, 2, 0)


def test_it_opens_at_the_configured_failure_in_a_row_and_not_before(clock: Clock) -> None:
    one, other = make_processes(clock, consecutive=5)
    one.fail(4)
    assert one.state() is State.CLOSED
    one.fail()
    error = refused(one)
    assert (error.name, error.title, error.state) == (one.breaker.name, one.breaker.title, State.OPEN)
    assert 9 <= error.retry_after_s <= 10
    assert refused(other).state is State.OPEN  # at its very first call


def test_while_it_is_open_nothing_is_called(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=1)
    one.fail()
    called: list[int] = []
    with pytest.raises(OpenError):
        one.breaker.call(lambda: called.append(1))
    with pytest.raises(OpenError), one.breaker.guard():
        called.append(2)
    assert called == []


def test_a_success_ends_the_row(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=3)
    for _ in range(5):
        one.fail(2)
        one.succeed()
    assert one.state() is State.CLOSED


def test_failures_of_several_processes_in_a_row_open_it_together(clock: Clock) -> None:
    one, other = make_processes(clock, consecutive=5)
    one.fail(UNSENT_FAILURES)  # so many are told at once
    other.fail(2)
    other.breaker.sync()
    assert other.state() is State.OPEN
    one.breaker.sync()
    assert one.state() is State.OPEN


def test_the_failure_rate_counts_calls_of_all_processes(clock: Clock) -> None:
    one, other = make_processes(clock, consecutive=None, minimum_calls=20, failure_rate=0.5)
    for process in (one, other):
        process.succeed(5)
        process.fail(4)
        process.breaker.sync()
    assert one.state() is State.CLOSED
    other.fail(2)
    other.breaker.sync()
    assert refused(other).state is State.OPEN


def test_a_rate_says_nothing_below_the_minimum_of_calls(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=None, minimum_calls=20)
    one.fail(19)
    assert one.state() is State.CLOSED
    one.fail()
    assert one.state() is State.OPEN


def test_what_is_older_than_the_window_is_forgotten(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=None, minimum_calls=4, window_s=10)
    one.fail(3)
    clock.move(11)
    one.fail(3)
    assert one.state() is State.CLOSED
    assert window(one) == (0, 3, 0)


def test_so_many_failures_within_the_window_open_it_whatever_succeeds_between(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=None, failure_rate=None, failures=5)
    for _ in range(4):
        one.fail()
        one.succeed(50)
    assert one.state() is State.CLOSED
    one.fail()
    assert one.state() is State.OPEN


def test_slow_calls_open_it_although_they_succeed(clock: Clock) -> None:
    one, other = make_processes(clock, slow_s=2, slow_rate=0.5, minimum_calls=10)
    one.succeed(5, took_s=0.1)
    one.succeed(5, took_s=2.0)
    assert refused(one).state is State.OPEN
    clock.move(10)
    probe(other).succeed(2.5)  # too slow to close it
    assert refused(one).state is State.OPEN


def test_a_call_is_timed_by_itself(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, slow_s=0.000_001, slow_rate=1.0)
    one.breaker.call(lambda: sum(range(10_000)))
    one.breaker.call(lambda: sum(range(10_000)))
    assert window(one) == (2, 0, 2)


@pytest.mark.parametrize("error", [SystemExit(), KeyboardInterrupt(), GeneratorExit(), SoftTimeLimitExceeded()])
def test_a_call_that_was_cut_short_is_neither_success_nor_failure(clock: Clock, error: BaseException) -> None:
    (one,) = make_processes(clock, 1, consecutive=2)
    one.fail()

    def cut_short() -> None:
        raise error

    for _ in range(3):
        with pytest.raises(type(error)):
            one.breaker.call(cut_short)
    assert window(one) == (0, 1, 0)
    one.fail()  # the row of failures was not broken either
    assert one.state() is State.OPEN


def test_a_probe_that_was_cut_short_gives_its_place_back(clock: Clock) -> None:
    one, other = make_processes(clock, consecutive=1, probes=1)
    one.fail()
    clock.move(10)
    with pytest.raises(SystemExit), one.breaker.guard():
        raise SystemExit
    assert probe(other)


@pytest.mark.parametrize(
    ("verdict", "counted", "state"),
    [
        (Verdict.SUCCESS, (1, 0, 0), State.CLOSED),
        (Verdict.IGNORE, (0, 0, 0), State.CLOSED),
        (Verdict.FAILURE, (0, 1, 0), State.CLOSED),
        (Verdict.TRIP, (0, 0, 0), State.OPEN),
    ],
)
def test_the_classifier_says_what_an_error_means(
    clock: Clock, verdict: Verdict, counted: tuple[int, int, int], state: State
) -> None:
    (one,) = make_processes(clock, 1)
    one.breaker.classify = lambda error: verdict
    with pytest.raises(ZeroDivisionError):
        one.breaker.call(lambda: 1 / 0)
    assert (one.state(), window(one)) == (state, counted)


def test_a_trip_opens_it_at_once_for_everybody_and_says_why(clock: Clock) -> None:
    one, other = make_processes(clock)
    other.succeed(100)
    other.breaker.sync()
    one.breaker.admit().trip("HOLDFAST_CHAT_KEY is refused")
    assert refused(one).state is State.OPEN
    other.breaker.sync()
    assert refused(other).state is State.OPEN


def test_a_permit_is_settled_once(clock: Clock) -> None:
    (one,) = make_processes(clock, 1)
    permit = one.breaker.admit()
    permit.succeed()
    permit.fail("late")
    permit.trip("later")
    permit.release()
    assert (one.state(), window(one)) == (State.CLOSED, (1, 0, 0))


def test_a_permit_may_be_settled_inside_its_block(clock: Clock) -> None:
    (one,) = make_processes(clock, 1)
    with one.breaker.guard() as permit:
        permit.fail("429")
    assert window(one) == (0, 1, 0)


# Half-open


def test_as_many_probes_as_allowed_are_on_their_way_and_all_their_successes_close_it(clock: Clock) -> None:
    one, other = make_processes(clock, consecutive=2, probes=2, successes=2)
    one.fail(2)
    refused(other)
    clock.move(10)
    first, second = probe(one), probe(other)
    assert refused(one).state is State.HALF_OPEN
    assert 0 < refused(other).retry_after_s <= 1
    first.succeed()
    assert refused(one).state is State.HALF_OPEN
    second.succeed()
    assert other.state() is State.CLOSED
    one.breaker.sync()
    one.succeed()
    assert one.state() is State.CLOSED


def test_one_after_the_other_will_do(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=1, probes=1, successes=3)
    one.fail()
    clock.move(10)
    for _ in range(3):
        probe(one).succeed()
    assert one.state() is State.CLOSED


def test_a_failing_probe_opens_it_again_for_twice_as_long(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=1, open_s=10, open_limit_s=35)
    one.fail()
    for longest in (20, 35, 35):
        cool_down(clock, one)
        probe(one).fail("504")
        assert 0.9 * longest <= one.breaker.retry_after_s <= longest


def test_each_healthy_while_takes_back_one_doubling(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=1, successes=1, open_s=10, open_limit_s=1000, window_s=10)
    one.fail()
    for _ in range(3):
        cool_down(clock, one)
        probe(one).fail("504")
    assert one.breaker.seen.opens == 4
    cool_down(clock, one)
    probe(one).succeed()
    clock.move(25)
    one.fail()
    assert one.breaker.seen.opens == 3


def test_a_prober_that_never_comes_back_loses_its_place(clock: Clock) -> None:
    one, other = make_processes(clock, consecutive=1, probes=1, successes=1, probe_s=5)
    one.fail()
    clock.move(10)
    lost = probe(one)
    assert refused(other).state is State.HALF_OPEN
    clock.move(5.1)
    probe(other).succeed()
    assert other.state() is State.CLOSED
    lost.fail("too late")
    other.breaker.sync()
    assert other.state() is State.CLOSED


def test_the_outcome_of_an_earlier_era_judges_no_later_one(clock: Clock) -> None:
    one, other = make_processes(clock, consecutive=2, successes=1)
    slow_ones = [other.breaker.admit() for _ in range(10)]
    one.fail(2)
    clock.move(10)
    probe(one).succeed()
    for permit in slow_ones:
        permit.fail("504")
    other.breaker.sync()
    assert (one.state(), other.state()) == (State.CLOSED, State.CLOSED)


# In shadow


def test_in_shadow_it_measures_says_what_it_would_do_and_refuses_nothing(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=2, shadow=True)
    one.fail(10)
    one.breaker.sync()
    assert (one.state(), window(one)) == (State.METRICS_ONLY, (0, 10, 0))
    one.breaker.admit().trip("the key is refused")
    assert one.state() is State.METRICS_ONLY
    one.succeed()


# Threads


def test_no_count_of_any_thread_is_lost(clock: Clock) -> None:
    (one,) = make_processes(clock, 1, consecutive=None, failure_rate=None)

    def work() -> None:
        for n in range(2_000):
            if n % 10:
                one.breaker.call(lambda: None)
            else:
                one.fail()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        one.breaker.fold()
    for thread in threads:
        thread.join()
    assert window(one) == (14_400, 1_600, 0)


def test_no_lock_is_held_during_a_call(clock: Clock) -> None:
    (one,) = make_processes(clock, 1)
    inside = threading.Barrier(9, timeout=10)
    threads = [threading.Thread(target=one.breaker.call, args=(inside.wait,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    inside.wait()  # only when all eight are in their calls
    for thread in threads:
        thread.join()
    assert window(one) == (8, 0, 0)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"failure_rate": 1.5}, "failure_rate"),
        ({"failure_rate": 0}, "failure_rate"),
        ({"window_s": 0.5}, "window_s"),
        ({"open_s": 30, "open_limit_s": 10}, "open_limit_s"),
        ({"probes": 0}, "probes"),
        ({"consecutive": 0}, "consecutive"),
        ({"slow_s": 1}, "slow_rate"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        make_policy(**fields)
