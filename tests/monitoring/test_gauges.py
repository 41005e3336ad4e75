from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from monitoring.metrics import gauges, record, register_gauge, register_gauges
from monitoring.metrics.record import Delta
from tests.monitoring.processes import forked


def polled(*, times: int = 1, timeout_s: float = 2.0, **readers: Callable[[], float]) -> Delta:
    """What the polls record, with these gauges alone."""

    def child() -> Delta:
        gauges._sources.clear()
        for name, read in readers.items():
            register_gauge(name, read)
        for _ in range(times):
            gauges.poll(timeout_s=timeout_s)
        return record.drain()

    return forked(child)


def fails() -> float:
    raise LookupError("no such queue")


def hangs() -> float:
    threading.Event().wait()
    return 1.0


def test_registered_gauges_are_sampled() -> None:
    assert polled(a=lambda: 3, b=lambda: 0.5).gauges == {"a": 3, "b": 0.5}


def test_several_gauges_that_one_reader_answers_are_sampled() -> None:
    def child() -> Delta:
        gauges._sources.clear()
        register_gauges(lambda: {"b": 1.5, "c": 0})
        gauges.poll()
        return record.drain()

    assert forked(child).gauges == {"b": 1.5, "c": 0}


def test_registering_a_name_again_replaces_it() -> None:
    def child() -> Delta:
        gauges._sources.clear()
        register_gauge("a", lambda: 1)
        register_gauge("a", lambda: 2)
        gauges.poll()
        return record.drain()

    assert forked(child).gauges == {"a": 2}


def test_one_that_fails_is_counted_and_the_others_are_sampled() -> None:
    delta = polled(bad=fails, good=lambda: 1, times=2)
    assert (delta.gauges, delta.counters) == ({"good": 1}, {gauges.ERRORS: 2})


@pytest.mark.parametrize("times", [1, 3])
def test_one_that_hangs_is_counted_and_not_asked_again_while_it_does(times: int) -> None:
    delta = polled(slow=hangs, good=lambda: 1, times=times, timeout_s=0.1)
    assert (delta.gauges, delta.counters) == ({"good": 1}, {gauges.ERRORS: 1})
