from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.test import override_settings

from monitoring.metrics import count, disable, enable, observe, record, timed
from monitoring.metrics.record import DROPPED, Delta
from tests.monitoring.processes import forked


def recorded(work: Callable[[], object]) -> Delta:
    """What `work` records, alone in a process."""

    def child() -> Delta:
        work()
        return record.drain()

    return forked(child)


def observing(name: str, *durations: float) -> Callable[[], None]:
    def work() -> None:
        for seconds in durations:
            observe(name, seconds)

    return work


def counting(*names: str) -> Callable[[], None]:
    def work() -> None:
        for name in names:
            count(name)

    return work


def both(times: int = 1) -> None:
    for _ in range(times):
        observe("a", 0.5)
        count("b")


def run_in_threads(work: Callable[[], None], number: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_an_observation_keeps_its_bucket_and_its_sum() -> None:
    delta = recorded(observing("a.b", 0.25, 0.25, 1.0))
    assert delta.latencies["a.b"].buckets == {-64: 2, 0: 1}
    assert delta.latencies["a.b"].seconds == 1.5


def test_a_counter_adds_up() -> None:
    def work() -> None:
        count("a")
        count("a", 2.5)

    assert recorded(work).counters == {"a": 3.5}


def test_what_was_drained_is_not_drained_again() -> None:
    def work() -> tuple[Delta, Delta, Delta]:
        observe("a", 1.0)
        count("b")
        first = record.drain()
        second = record.drain()
        observe("a", 1.0)
        return first, second, record.drain()

    first, second, third = forked(work)
    assert (first.records, second.records, third.records) == (2, 0, 1)


def test_records_of_threads_that_ended_are_not_lost_and_their_maps_are_let_go() -> None:
    def work() -> tuple[Delta, int, int]:
        run_in_threads(both, 8)
        kept = len(record._state.threads)
        delta = record.drain()
        return delta, kept, len(record._state.threads)

    delta, kept, left = forked(work)
    assert delta.latencies["a"].count == 8
    assert delta.counters == {"b": 8}
    assert (kept, left) == (9, 1)


def test_draining_while_threads_record_loses_and_doubles_nothing() -> None:
    def work() -> tuple[int, float]:
        sys.setswitchinterval(1e-5)
        going = threading.Event()
        whole = Delta()

        def drain_on() -> None:
            while not going.wait(0.0005):
                take(record.drain(), whole)

        drainer = threading.Thread(target=drain_on)
        drainer.start()
        run_in_threads(partial(both, 20_000), 4)
        going.set()
        drainer.join()
        take(record.drain(), whole)
        return whole.latencies["a"].count, whole.counters["b"]

    assert forked(work) == (80_000, 80_000)


def take(delta: Delta, into: Delta) -> None:
    for name, sketch in delta.latencies.items():
        into.latencies.setdefault(name, type(sketch)()).merge(sketch)
    for name, by in delta.counters.items():
        into.counters[name] = into.counters.get(name, 0) + by


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-300, math.inf, 1e300])
def test_a_duration_without_a_logarithm_or_beyond_all_buckets_is_counted_at_the_edge(seconds: float) -> None:
    delta = recorded(observing("a", seconds))
    assert delta.latencies["a"].count == 1
    assert len(delta.latencies["a"].buckets) == 1


@pytest.mark.parametrize("name", ["", "Upper", "a b", "a/b", "é", "x" * 101])
def test_a_name_outside_the_alphabet_is_dropped_and_counted(name: str) -> None:
    def work() -> None:
        observe(name, 1.0)
        count(name)

    delta = recorded(work)
    assert delta.counters == {DROPPED: 2}
    assert delta.latencies == {}


def test_not_a_number_is_dropped_and_counted() -> None:
    delta = recorded(observing("a", math.nan))
    assert (delta.latencies, delta.counters) == ({}, {DROPPED: 1})


def test_a_name_keeps_its_first_kind() -> None:
    def work() -> None:
        observe("a", 1.0)
        count("a")

    delta = recorded(work)
    assert delta.latencies["a"].count == 1
    assert delta.counters == {DROPPED: 1}


def test_series_beyond_the_limit_are_dropped_and_counted() -> None:
    delta = recorded(counting(*(f"series.{number}" for number in range(record.SERIES_LIMIT + 10))))
    assert len(delta.counters) == record.SERIES_LIMIT + 1
    assert delta.counters[DROPPED] == 10


def test_timed_observes_and_counts_the_exception_that_leaves_it() -> None:
    @timed("f")
    def double(number: int) -> int:
        return number // (number - 1) if number < 2 else double(number - 1)

    def work() -> None:
        assert double(0) == 0
        with pytest.raises(ZeroDivisionError):
            double(3)
        with timed("g"):
            pass

    delta = recorded(work)
    assert delta.latencies["f"].count == 4
    assert delta.latencies["g"].count == 1
    assert delta.counters == {"f.errors": 3}


def test_recording_can_be_switched_off_and_on() -> None:
    def work() -> None:
        disable()
        both()
        enable()
        count("c")

    delta = recorded(work)
    assert (delta.counters, delta.latencies) == ({"c": 1}, {})


def test_the_setting_switches_recording_off() -> None:
    with override_settings(HOLDFAST_METRICS=False):
        assert recorded(both).records == 0


def test_a_child_starts_with_nothing_recorded() -> None:
    def parent() -> tuple[Delta, Delta]:
        count("a", 5)
        child = recorded(counting("a"))
        return child, record.drain()

    child, parents = forked(parent)
    assert child.counters == {"a": 1}
    assert parents.counters == {"a": 5}
