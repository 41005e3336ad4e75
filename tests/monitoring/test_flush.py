from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings

from monitoring.metrics import count, flush, observe, record
from monitoring.metrics.blob import KEY, Blob, MalformedBlobError
from monitoring.metrics.flush import PENDING_LIMIT, Flusher
from monitoring.metrics.record import DROPPED, Delta
from monitoring.metrics.sketch import Sketch
from tests.monitoring.processes import Forked, forked

AWAY = "unix:///nonexistent/redis.sock"


@pytest.fixture
def client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL)


@pytest.fixture
def deaf_door(client: redis.Redis) -> Iterator[str]:
    """A Redis address behind which the first request arrives and its answer gets lost."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve_losing_the_first_answer, args=(listener,), daemon=True)
    thread.start()
    yield f"redis://127.0.0.1:{listener.getsockname()[1]}/{client.connection_pool.connection_kwargs.get('db', 0)}"
    listener.close()


def serve_losing_the_first_answer(listener: socket.socket) -> None:
    is_first = True
    while True:
        try:
            inner, _ = listener.accept()
        except OSError:
            return
        with inner, socket.socket(socket.AF_UNIX) as outer:
            outer.connect(urlsplit(settings.REDIS_URL).path)
            is_first = relay(inner, outer, is_first)


def relay(inner: socket.socket, outer: socket.socket, is_first: bool) -> bool:
    """Requests and answers in turn until the client goes; whether the first push is still to come."""
    while request := inner.recv(1 << 20):
        outer.sendall(request)
        answer = outer.recv(1 << 20)
        if is_first and b"RPUSH" in request:
            return False
        inner.sendall(answer)
    return is_first


def blobs(client: redis.Redis) -> list[Blob]:
    return [Blob.unpack(each) for each in client.lrange(KEY, 0, -1)]  # type: ignore[arg-type]


def of(found: list[Blob], name: str) -> list[Blob]:
    """Those that carry the counter. The test's own process may send too."""
    return [blob for blob in found if name in blob.delta.counters]


def counted_and_sent(name: str, flusher: Flusher) -> bool:
    count(name)
    return flusher.flush()


def wait_for(found: Callable[[], list[Blob]]) -> list[Blob]:
    deadline = time.monotonic() + 5
    while not (some := found()):
        assert time.monotonic() < deadline, "no blob came within 5 s"
        time.sleep(0.02)
    return some


def test_a_blob_carries_all_that_was_recorded_through_redis(client: redis.Redis) -> None:
    def work() -> bool:
        observe("a.latency", 0.5)
        observe("a.latency", 0.25)
        count("a.counter", 3)
        record.sample("a.gauge", 7.5)
        return Flusher(url=settings.REDIS_URL, clock=lambda: 1_000.02).flush(is_last=True)

    assert forked(work)
    (blob,) = of(blobs(client), "a.counter")
    assert (blob.sequence, blob.second, blob.is_last) == (1, 999, True)
    assert blob.delta == Delta({"a.latency": Sketch({-32: 1, -64: 1}, 0.75)}, {"a.counter": 3}, {"a.gauge": 7.5})


@pytest.mark.parametrize("packed", [b"", b"{}", b"[]", b"[1, 2]", b'[9,"p",1,1,false,{},{},{}]', b"\xff"])
def test_what_is_not_a_blob_is_refused(packed: bytes) -> None:
    with pytest.raises(MalformedBlobError, match="is not a metrics blob of version 1"):
        Blob.unpack(packed)


def test_a_process_without_news_says_that_it_is_alive(client: redis.Redis) -> None:
    def work() -> str:
        flusher = Flusher(url=settings.REDIS_URL)
        flusher.flush()
        return flusher.process

    name = forked(work)
    assert [blob.delta.records for blob in blobs(client) if blob.process == name] == [0]


def test_seconds_never_go_back_when_the_clock_does(client: redis.Redis) -> None:
    def work() -> list[bool]:
        times = iter([1_000.02, 990.02, 1_001.02])
        flusher = Flusher(url=settings.REDIS_URL, clock=lambda: next(times))
        return [counted_and_sent("back", flusher) for _ in range(3)]

    assert forked(work) == [True] * 3
    assert [(blob.sequence, blob.second) for blob in of(blobs(client), "back")] == [(1, 999), (2, 999), (3, 1000)]


def test_a_lost_answer_is_retried_under_the_same_sequence(client: redis.Redis, deaf_door: str) -> None:
    def work() -> list[bool]:
        flusher = Flusher(url=deaf_door, clock=lambda: 1_000.02)
        return [counted_and_sent("retried", flusher) for _ in range(2)]

    assert forked(work) == [False, True]
    assert [blob.sequence for blob in of(blobs(client), "retried")] == [1, 1, 2]


def test_an_outage_keeps_a_bounded_number_of_blobs_and_counts_the_rest_as_dropped() -> None:
    def work() -> tuple[bool, int, float]:
        flusher = Flusher(url=AWAY, clock=lambda: 1_000.02)
        answers = [counted_and_sent("a", flusher) for _ in range(PENDING_LIMIT + 5)]
        kept = [Blob.unpack(packed) for packed, _ in flusher._pending]
        dropped = sum(blob.delta.counters.get(DROPPED, 0) for blob in kept) + record.drain().counters.get(DROPPED, 0)
        return any(answers), len(kept), dropped

    # The blobs that carry the count may be dropped in turn: the two lost first took nothing of it along
    was_taken, kept, dropped = forked(work)
    assert (was_taken, kept) == (False, PENDING_LIMIT)
    assert dropped >= 5


def test_flushing_without_a_record_does_nothing() -> None:
    assert forked(flush)


def test_a_forked_child_flushes_its_own_records_once_and_none_of_its_parents(client: redis.Redis) -> None:
    """The parent has a running flusher and unsent records when it forks, and both live on."""

    def child(say: Callable[[Any], None]) -> None:
        count("of.child", 2)  # starts the child's flusher
        say("recorded")
        time.sleep(60)

    def parent(say: Callable[[Any], None]) -> None:
        count("of.parent", 1)
        forks = [Forked(child), Forked(child)]
        count("of.parent", 1)
        say([fork.hear() for fork in forks])
        wait_for(lambda: of(blobs(client), "of.child")[1:])
        for fork in forks:
            fork.kill()
            fork.end()
        flush()
        say("flushed")

    process = Forked(parent)
    assert process.hear() == ["recorded", "recorded"]
    assert process.hear() == "flushed"
    assert process.end() == 0
    found = blobs(client)
    assert sorted(blob.delta.counters["of.child"] for blob in of(found, "of.child")) == [2, 2]
    assert sum(blob.delta.counters["of.parent"] for blob in of(found, "of.parent")) == 2
    assert len({blob.process for blob in of(found, "of.child") + of(found, "of.parent")}) == 3
