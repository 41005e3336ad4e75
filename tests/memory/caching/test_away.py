"""Redis away: a miss, counted, without a timeout per call; and nothing overtaken is served when it is back."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from memory.caching import forget_tag, get_or_make
from memory.caching.store.link import HICCUPS, PAUSE_S, AwayError, Link
from tests.memory.caching.made import Clock, Road, counted, make_cache, make_link


def test_without_redis_every_operation_is_a_miss_that_is_counted(road: Road) -> None:
    cache = make_cache(make_link(road.url))
    road.close()
    assert cache.get("w:a", "k") is None
    assert cache.get_many("w:a", ["k", "l"]) == [None, None]
    assert cache.look_up("w:a", "k").version is None
    assert not cache.keep("w:a", "k", b"1")
    assert cache.forget("w:a", "k") == 0
    assert forget_tag(cache, "t", scope="w") == 0
    cache.forget_namespaces(["w:a"])
    assert get_or_make(cache, "w:a", "k", lambda: b"made") == b"made"
    assert counted(cache, "misses") == 5
    assert counted(cache, "errors") >= 7


def test_a_silent_redis_costs_one_timeout_and_then_nothing_until_the_pause_is_over(road: Road) -> None:
    clock = Clock()
    link = make_link(road.url, timeout_s=0.05, clock=clock)
    cache = make_cache(link)
    cache.keep("w:a", "k", b"1")
    road.hang()
    assert cache.get("w:a", "k") is None
    accepted = road.accepted
    assert [cache.get("w:a", "k") for _ in range(1000)] == [None] * 1000
    assert road.accepted == accepted, "nobody asked"
    road.open()
    clock.pass_s(PAUSE_S + 0.1)
    assert cache.get("w:a", "k") == b"1"
    assert not link.is_away


def test_a_restarted_redis_is_met_with_new_connections_at_once(road: Road) -> None:
    cache = make_cache(make_link(road.url))
    cache.keep("w:a", "k", b"1")
    road.close()  # drops the idle connection
    road.open()
    assert cache.get("w:a", "k") == b"1"
    assert counted(cache, "errors") == 0


def test_scripts_are_sent_again_after_redis_has_forgotten_them() -> None:
    cache = make_cache()
    cache.link.ask("SCRIPT", "FLUSH")
    assert cache.look_up("w:a", "k").version
    assert cache.keep("w:a", "k", b"1", tags=["t"])
    assert cache.forget("w:a", "k") == 1


def test_an_invalidation_right_after_a_hiccup_reaches_redis(road: Road) -> None:
    ours = make_cache(make_link(road.url))
    others = make_cache(name=ours.policy.name)
    others.keep("w:a", "k", b"old")
    road.close()
    assert ours.get("w:a", "k") is None  # the hiccup; reads pause now
    road.open()
    ours.forget_namespaces(["w:a"])
    assert others.get("w:a", "k") is None


def test_an_invalidation_that_redis_did_not_hear_is_done_before_anything_is_looked_up_again(road: Road) -> None:
    clock = Clock()
    cache = make_cache(make_link(road.url, clock=clock))
    cache.keep("w:a", "k", b"old")
    cache.keep("w:b", "k", b"kept")
    road.close()
    for _ in range(HICCUPS + 1):
        cache.forget_namespaces(["w:a"])
    attempts = road.accepted
    cache.forget_namespaces(["w:a"])
    assert road.accepted == attempts, "while Redis is away for long, writers do not wait for it either"
    road.open()
    clock.pass_s(PAUSE_S + 0.1)
    assert cache.get("w:a", "k") is None
    assert cache.get("w:b", "k") == b"kept"


def test_a_key_that_could_not_be_forgotten_takes_its_namespace_along_later(road: Road) -> None:
    clock = Clock()
    cache = make_cache(make_link(road.url, clock=clock))
    cache.keep("w:a", "k", b"old")
    road.close()
    cache.forget("w:a", "k")
    road.open()
    clock.pass_s(PAUSE_S + 0.1)
    assert cache.get("w:a", "k") is None


def test_what_redis_refuses_is_an_error_and_no_pause() -> None:
    cache = make_cache()
    cache.link.ask("SET", cache.keys("w:a")[0], "no hash")
    assert cache.get("w:a", "k") is None
    assert not cache.keep("w:a", "k", b"1")
    assert counted(cache, "errors") == 2
    assert not cache.link.is_away


def test_a_pipeline_gives_each_command_its_own_answer_or_refusal() -> None:
    link = make_link()
    answers = link.ask_all([("SET", "a", "1"), ("HGET", "a", "f"), ("GET", "a")])
    assert (answers[0], answers[2]) == (b"OK", b"1")
    assert isinstance(answers[1], Exception)


def test_an_interrupted_call_leaves_no_half_answer_for_the_next(road: Road) -> None:
    link = make_link(road.url, timeout_s=5)
    link.ask("SET", "a", "the right answer")

    class Interruption(Exception):  # noqa: N818 - as a time limit's signal raises it
        pass

    def interrupt(*_: object) -> None:
        raise Interruption

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        road.hang()
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        with pytest.raises(Interruption):
            link.ask("GET", "wrong")
    finally:
        signal.signal(signal.SIGUSR1, before)
    road.open()
    assert link.ask("GET", "a") == b"the right answer"


def test_threads_share_the_link_without_mixing_answers() -> None:
    link = make_link()
    link.ask_all([("SET", f"n{n}", n) for n in range(100)])
    wrong: list[int] = []

    def check(first: int) -> None:
        for n in range(first, 100):
            if link.ask("GET", f"n{n}") != str(n).encode():
                wrong.append(n)

    threads = [threading.Thread(target=check, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_has_connections_of_its_own() -> None:
    link = make_link()
    link.ask("SET", "who", "parent")
    child = os.fork()
    if child == 0:
        ok = link.ask("GET", "who") == b"parent" and link.ask("SET", "who", "child") == b"OK"
        os._exit(0 if ok else 1)
    answers = {link.ask("GET", "who") for _ in range(50)}
    assert os.waitpid(child, 0)[1] == 0
    assert answers <= {b"parent", b"child"}


def test_a_wrong_password_is_away_and_says_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    road = Road()
    link = Link(f"redis://:secret-word@127.0.0.1:{road.port}/0")
    with pytest.raises(AwayError):
        link.ask("GET", "a")
    road.shut()
    assert "secret-word" not in caplog.text
