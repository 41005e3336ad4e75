from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from memory.providers.base import ProviderError, ProviderRefusedError, ProviderTimeoutError, ProviderUnavailableError
from memory.providers.guard import Deadline, EmbeddingBatcher, Guard, Reply
from memory.providers.guard.batch import digest
from monitoring.metrics import record
from tests.memory.providers.guard.made import Hand, make_guard

THREADS = 8


class Gate:
    """A provider that answers when it is let: one of `script` each time, the last one ever after."""

    def __init__(self, *script: object) -> None:
        self.script = script
        self.asked = 0
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, deadline: Deadline) -> Reply[object]:
        self.asked += 1
        answer = self.script[min(self.asked, len(self.script)) - 1]
        self.reached.set()
        assert self.opened.wait(10)
        if isinstance(answer, BaseException):
            raise answer
        return Reply(answer)


def joined(
    guard: Guard, gate: Gate, keys: Sequence[bytes], meanwhile: Callable[[], None] = lambda: None
) -> list[object]:
    """What callers get who call with these keys while the first one's call is in flight."""

    def call(key: bytes) -> object:
        try:
            return guard.call(gate, operation="say", key=key)
        except (ProviderError, ZeroDivisionError) as problem:
            return problem

    with ThreadPoolExecutor(len(keys)) as threads:
        first = threads.submit(call, keys[0])
        assert gate.reached.wait(10)
        others = [threads.submit(call, key) for key in keys[1:]]
        try:
            wait_until(lambda: guard._flights.waiting == sum(key == keys[0] for key in keys[1:]))
            meanwhile()
        finally:
            gate.opened.set()
        return [future.result(10) for future in (first, *others)]


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.001)


def test_identical_calls_in_flight_are_one_call() -> None:
    record.drain()
    guard, gate = make_guard(), Gate("answer")
    assert joined(guard, gate, [b"same"] * THREADS) == ["answer"] * THREADS
    assert gate.asked == 1
    counters = record.drain().counters
    assert counters[f"provider.{guard.name}.coalesced"] == THREADS - 1
    assert counters[f"provider.{guard.name}.requests"] == 1


def test_different_calls_and_later_ones_are_their_own() -> None:
    guard, gate = make_guard(), Gate("answer")
    joined(guard, gate, [b"one", b"other"])
    guard.call(gate, operation="say", key=b"one")
    guard.call(gate, operation="sing", key=b"one")
    assert gate.asked == 4


def test_all_who_joined_get_the_error_each_as_their_own() -> None:
    guard, gate = make_guard(attempts=1), Gate(ProviderUnavailableError("HTTP 503"))
    problems = joined(guard, gate, [b"same"] * 3)
    assert {str(problem) for problem in problems} == {"HTTP 503"}
    assert len({id(problem) for problem in problems}) == 3
    assert gate.asked == 1


def test_when_the_one_who_asks_is_interrupted_another_asks() -> None:
    guard, gate = make_guard(), Gate(ZeroDivisionError(), "answer")
    answers = joined(guard, gate, [b"same"] * 3)
    assert isinstance(answers[0], ZeroDivisionError)
    assert answers[1:] == ["answer", "answer"]


def test_who_joins_waits_no_longer_than_the_own_deadline() -> None:
    guard, gate = make_guard(), Gate("answer")

    def impatient() -> None:
        with pytest.raises(ProviderTimeoutError):
            guard.call(gate, operation="say", key=b"same", deadline=Deadline(0.01))

    assert joined(guard, gate, [b"same"], meanwhile=impatient) == ["answer"]


class Embedder:
    """Embeds a text as its length and its first letter; refuses those that contain `!`."""

    def __init__(self) -> None:
        self.requests: list[list[str]] = []

    def __call__(self, texts: Sequence[str], deadline: Deadline) -> Reply[NDArray[np.float32]]:
        self.requests.append(list(texts))
        if any("!" in text for text in texts):
            raise ProviderRefusedError("HTTP 400")
        return Reply(expected(texts), items=len(texts))


def expected(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.array([[len(text), ord(text[0])] for text in texts], dtype=np.float32)


def embed_together(batcher: EmbeddingBatcher, asked: Sequence[Sequence[str]]) -> list[object]:
    """Each in a thread of its own, at the same moment."""
    start = threading.Barrier(len(asked))

    def embed(texts: Sequence[str]) -> object:
        start.wait(10)
        try:
            return batcher.embed(texts)
        except (ProviderError, ZeroDivisionError) as problem:
            return problem

    with ThreadPoolExecutor(len(asked)) as threads:
        return list(threads.map(embed, asked))


def test_small_requests_of_the_same_moment_are_one_and_each_gets_its_own_rows() -> None:
    record.drain()
    guard, embedder = make_guard(), Embedder()
    batcher = EmbeddingBatcher(guard, embedder, wait_s=5.0, most=THREADS * 2)
    asked = [[f"text {n}", f"other {n}"] for n in range(THREADS)]
    for texts, rows in zip(asked, embed_together(batcher, asked), strict=True):
        np.testing.assert_array_equal(rows, expected(texts))
    assert len(embedder.requests) == 1
    counters = record.drain().counters
    assert counters[f"provider.{guard.name}.coalesced"] == THREADS - 1
    assert counters[f"provider.{guard.name}.items"] == THREADS * 2


def test_the_same_text_of_several_is_sent_once() -> None:
    embedder = Embedder()
    batcher = EmbeddingBatcher(make_guard(), embedder, wait_s=0.2)
    embed_together(batcher, [["same"]] * THREADS)
    assert sum(map(len, embedder.requests)) <= 2


def test_a_request_has_at_most_so_many_texts() -> None:
    embedder = Embedder()
    batcher = EmbeddingBatcher(make_guard(), embedder, wait_s=0.05, most=4)
    asked = [[f"{n}{letter}" for letter in "abc"] for n in range(THREADS)]
    for texts, rows in zip(asked, embed_together(batcher, asked), strict=True):
        np.testing.assert_array_equal(rows, expected(texts))
    assert max(map(len, embedder.requests)) <= 4


def test_one_refused_text_is_not_for_the_others_to_suffer() -> None:
    embedder = Embedder()
    batcher = EmbeddingBatcher(make_guard(), embedder, wait_s=5.0, most=3)
    good, bad, fine = embed_together(batcher, [["good"], ["bad!"], ["fine"]])
    np.testing.assert_array_equal(good, expected(["good"]))
    np.testing.assert_array_equal(fine, expected(["fine"]))
    assert isinstance(bad, ProviderRefusedError)
    assert len(embedder.requests) == 4


def test_a_large_request_goes_alone_and_a_lone_thread_waits_for_nobody() -> None:
    hand, embedder = Hand(), Embedder()
    batcher = EmbeddingBatcher(make_guard(hand), embedder, wait_s=0.01, small=4)
    batcher.embed(["first"])
    batcher._wait_s = 3600
    batcher.embed([f"text {n}" for n in range(5)])
    hand.at += 2
    batcher.embed(["text"])
    assert [len(request) for request in embedder.requests] == [1, 5, 1]


def test_when_the_one_who_sends_is_interrupted_the_others_ask_for_themselves() -> None:
    class Interrupted(Embedder):
        def __call__(self, texts: Sequence[str], deadline: Deadline) -> Reply[NDArray[np.float32]]:
            if not self.requests:
                self.requests.append(list(texts))
                raise ZeroDivisionError
            return super().__call__(texts, deadline)

    embedder = Interrupted()
    batcher = EmbeddingBatcher(make_guard(), embedder, wait_s=5.0, most=3)
    answers = embed_together(batcher, [["a"], ["b"], ["c"]])
    assert len(embedder.requests[0]) == 3
    assert sum(isinstance(answer, ZeroDivisionError) for answer in answers) == 1
    assert sum(isinstance(answer, np.ndarray) for answer in answers) == 2


def test_under_a_crowd_everybody_gets_the_own_rows() -> None:
    embedder = Embedder()
    batcher = EmbeddingBatcher(make_guard(rate_per_s=1e6), embedder, wait_s=0.001)

    def embed(thread: int) -> bool:
        asked = [[f"{(thread * n) % 23} text"] * (1 + n % 3) for n in range(25)]
        return all(np.array_equal(batcher.embed(texts), expected(texts)) for texts in asked)

    with ThreadPoolExecutor(THREADS) as threads:
        assert all(threads.map(embed, range(THREADS)))
    assert len(embedder.requests) < THREADS * 25


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_a_digest_tells_texts_apart(one: list[str], other: list[str]) -> None:
    assert (digest(one) == digest(other)) == (one == other)
