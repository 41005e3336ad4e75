from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from celery import current_app

from memory.jobs.delivery import dispatch, hints
from memory.models import Priority
from monitoring.metrics import record
from tests import services


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    with current_app.connection_for_write() as connection:
        client = connection.default_channel.client
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def broken(broker: redis.Redis) -> Iterator[None]:
    """The broker is gone for the length of a test."""
    services.kill("broker")
    yield
    services.revive("broker")
    while not hints.send([Priority.NORMAL]):
        pass  # the connections of before notice first that they are broken


def waiting(broker: redis.Redis, priority: int) -> list[dict[str, Any]]:
    key = f"celery:p{priority}" if priority else "celery"
    return [json.loads(message) for message in broker.lrange(key, 0, -1)]


def until(is_so: Callable[[], bool]) -> None:
    for _ in range(500):
        if is_so():
            return
        time.sleep(0.01)
    pytest.fail("nothing came within 5 s")


def test_a_wake_becomes_a_message_of_its_priority_that_says_when_it_was_sent(broker: redis.Redis) -> None:
    hints.wake(Priority.HIGH)
    until(lambda: len(waiting(broker, Priority.HIGH)) == 1)
    message = waiting(broker, Priority.HIGH)[0]
    assert message["headers"]["task"] == "memory.work"
    assert message["properties"]["priority"] == Priority.HIGH
    assert abs(time.time() - message["headers"]["enqueued_at"]) < 60


def test_many_wakes_at_once_are_few_messages(broker: redis.Redis) -> None:
    for _ in range(10_000):
        hints.wake(Priority.NORMAL)
        hints.wake(Priority.BULK)
    until(lambda: bool(waiting(broker, Priority.BULK)))
    assert len(waiting(broker, Priority.NORMAL)) < 500


def test_a_batch_of_hints_is_sent_as_asked(broker: redis.Redis) -> None:
    assert hints.send([Priority.CRITICAL, Priority.LOW, Priority.LOW])
    assert [len(waiting(broker, priority)) for priority in Priority] == [1, 0, 0, 2, 0]
    assert hints.waiting() == 3


def test_nothing_waits_in_a_broker_that_is_empty(broker: redis.Redis) -> None:
    assert not hints.waiting()


def test_a_forked_child_sends_its_own_hints(broker: redis.Redis) -> None:
    hints.wake(Priority.NORMAL)  # the parent has a thread, which the child will not have
    until(lambda: bool(waiting(broker, Priority.NORMAL)))
    pid = os.fork()
    if not pid:
        hints.wake(Priority.LOW)
        time.sleep(60)
        os._exit(0)
    try:
        until(lambda: len(waiting(broker, Priority.LOW)) == 1)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.mark.usefixtures("broken")
def test_with_the_broker_away_a_wake_neither_waits_nor_raises_and_is_counted() -> None:
    record.drain()
    began = time.perf_counter()
    hints.wake(Priority.NORMAL)
    assert time.perf_counter() - began < 0.1
    assert not hints.send([Priority.NORMAL])
    assert record.drain().counters["hints.errors"] >= 1
    assert hints.waiting() is None


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        ({}, []),
        ({2: 1}, [2]),
        ({4: 201, 0: 3}, [0, 4, 4]),
        ({3: 100_000}, [3, 3, 3, 3]),
    ],
)
def test_a_level_gets_a_hint_per_batch_up_to_four(due: dict[int, int], expected: list[int]) -> None:
    assert dispatch.hints_for(due, batch=200) == expected
