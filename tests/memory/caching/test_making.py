"""Stampedes: of many who miss, one makes the value."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from memory.caching import forget_tag, get_or_make, making
from tests.memory.caching.made import Clock, Road, counted, make_cache, make_link


class Counting:
    """A maker that counts its calls, and waits for leave where there is a gate."""

    def __init__(self, value: bytes = b"made", gate: threading.Event | None = None) -> None:
        self.value, self.gate, self.calls = value, gate, 0
        self.begun = threading.Event()

    def __call__(self) -> bytes:
        self.calls += 1
        self.begun.set()
        if self.gate is not None:
            assert self.gate.wait(20)
        return self.value


def test_a_value_is_made_once_and_then_found() -> None:
    cache, make = make_cache(), Counting()
    assert [get_or_make(cache, "w:a", "k", make) for _ in range(3)] == [b"made"] * 3
    assert make.calls == 1


def test_threads_that_miss_together_make_it_once() -> None:
    gate = threading.Event()
    cache, make = make_cache(), Counting(gate=gate)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(get_or_make, cache, "w:a", "k", make, wait_s=20) for _ in range(8)]
        assert make.begun.wait(20)
        gate.set()
    assert {answer.result() for answer in answers} == {b"made"}
    assert make.calls == 1


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_processes_that_miss_together_make_it_once() -> None:
    cache = make_cache()
    start, go = os.pipe()

    def make() -> bytes:
        # begun only when all have missed: what they do then is wait for the lease's holder
        cache.link.ask("INCR", "made")
        _until(lambda: cache.link.ask("GET", "asked") == b"3")
        return b"value"

    def ask() -> None:
        os.read(start, 1)
        assert cache.look_up("w:a", "k").answer is None
        cache.link.ask("INCR", "asked")
        assert get_or_make(cache, "w:a", "k", make, wait_s=20) == b"value"

    children = [_fork(ask) for _ in range(3)]
    os.write(go, b"123")
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert cache.link.ask("GET", "made") == b"1"


def test_who_waits_too_long_makes_it_without_the_other() -> None:
    gate = threading.Event()
    cache, slow, quick = make_cache(), Counting(b"slow", gate), Counting(b"quick")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(get_or_make, cache, "w:a", "k", slow)
        assert slow.begun.wait(20)
        assert get_or_make(cache, "w:a", "k", quick, wait_s=0.01) == b"quick"
        gate.set()
        assert first.result() == b"slow"


def test_a_maker_that_died_in_another_process_is_waited_for_no_longer_than_its_lease() -> None:
    cache, make = make_cache(), Counting()
    version = cache.look_up("w:a", "k").version
    assert version is not None
    lease = f"{cache.keys('w:a')[0]}:lease:{version.decode()}:k"
    cache.link.ask("SET", lease, "the dead one's", "PX", 50)
    assert get_or_make(cache, "w:a", "k", make, wait_s=20) == b"made"
    assert make.calls == 1
    assert cache.link.ask("EXISTS", lease) == 0


def test_while_one_makes_it_anew_the_others_get_the_stale_value() -> None:
    clock, gate = Clock(), threading.Event()
    cache = make_cache(clock=clock, ttl_s=10, stale_s=30)
    cache.keep("w:a", "k", b"old")
    clock.pass_s(15)
    make = Counting(b"new", gate)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(get_or_make, cache, "w:a", "k", make)
        assert make.begun.wait(20)
        assert get_or_make(cache, "w:a", "k", make) == b"old"
        gate.set()
        assert first.result() == b"new"
    assert get_or_make(cache, "w:a", "k", make) == b"new"
    assert counted(cache, "stale") == 1


def test_a_stale_value_ends_and_is_gone_with_an_invalidation() -> None:
    clock = Clock()
    cache = make_cache(clock=clock, ttl_s=10, stale_s=30)
    for end in (lambda: clock.pass_s(41), lambda: cache.forget("w:a", "k")):
        cache.keep("w:a", "k", b"old")
        clock.pass_s(15)
        assert cache.look_up("w:a", "k").stale == b"old"
        end()
        assert cache.look_up("w:a", "k").stale is None


def test_an_error_goes_to_all_who_wait_and_nothing_is_kept() -> None:
    gate = threading.Event()
    cache, begun = make_cache(), threading.Event()

    def fail() -> bytes:
        begun.set()
        assert gate.wait(20)
        raise ConnectionError("the provider")

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(get_or_make, cache, "w:a", "k", fail, wait_s=20) for _ in range(4)]
        assert begun.wait(20)
        gate.set()
    for answer in answers:
        with pytest.raises(ConnectionError):
            answer.result()
    assert get_or_make(cache, "w:a", "k", Counting()) == b"made"


def test_a_stale_value_stands_in_for_the_errors_that_the_caller_names() -> None:
    clock = Clock()
    cache = make_cache(clock=clock, ttl_s=10, stale_s=30)
    cache.keep("w:a", "k", b"old")
    clock.pass_s(15)

    def fail() -> bytes:
        raise ConnectionError("the provider")

    assert get_or_make(cache, "w:a", "k", fail, stale_on=(ConnectionError,)) == b"old"
    with pytest.raises(ConnectionError):
        get_or_make(cache, "w:a", "k", fail)


@pytest.mark.parametrize("strict", [True, False])
def test_who_comes_after_an_invalidation_never_gets_what_was_begun_before(strict: bool) -> None:
    gate = threading.Event()
    cache = make_cache(strict=strict)
    before, after = Counting(b"before", gate), Counting(b"after")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(get_or_make, cache, "w:a", "k", before)
        assert before.begun.wait(20)
        cache.forget_namespaces(["w:a"])
        assert get_or_make(cache, "w:a", "k", after) == b"after"
        gate.set()
        assert first.result() == b"before"
    assert cache.get("w:a", "k") == b"after"


def test_without_redis_one_makes_it_for_its_process(road: Road) -> None:
    cache = make_cache(make_link(road.url))
    road.close()
    gate = threading.Event()
    make = Counting(gate=gate)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(get_or_make, cache, "w:a", "k", make, wait_s=20) for _ in range(2)]
        assert make.begun.wait(20)
        _until(lambda: any(flight.landed._cond._waiters for flight in making._flights.values()))  # type: ignore[attr-defined]
        gate.set()
    assert [answer.result() for answer in answers] == [b"made"] * 2
    assert make.calls == 1


def test_without_redis_what_must_be_of_now_is_made_by_each(road: Road) -> None:
    cache = make_cache(make_link(road.url), strict=True)
    road.close()
    gate = threading.Event()
    make = Counting(gate=gate)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(get_or_make, cache, "w:a", "k", make) for _ in range(2)]
        _until(lambda: make.calls == 2)
        gate.set()
    assert [answer.result() for answer in answers] == [b"made"] * 2


def test_a_tag_forgotten_while_its_first_value_is_made_keeps_it_out() -> None:
    cache = make_cache()

    def make() -> bytes:
        forget_tag(cache, "red", scope="w")
        return b"overtaken"

    get_or_make(cache, "w:a", "k", make, tags=["red"])
    assert cache.get("w:a", "k") is None


def _until(happened: Callable[[], bool]) -> None:
    waited = threading.Event()
    for _ in range(2000):
        if happened():
            return
        waited.wait(0.005)
    raise AssertionError("it did not happen")


def _fork(task: Callable[[], None]) -> int:
    """The process id of a child that does `task` and ends with 0, or 1 when it raised."""
    child = os.fork()
    if child:
        return child
    try:
        task()
    except BaseException:  # noqa: BLE001 - the child must not go on with the parent's tests
        os._exit(1)
    os._exit(0)
