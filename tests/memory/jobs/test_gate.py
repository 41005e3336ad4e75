from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from memory.errors import OverloadedError
from memory.jobs import gate
from memory.models import Priority
from tests.make import NOW, make_conversation, make_workspace, say
from tests.memory.jobs.made import make_job, make_jobs, taken

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_queue(settings: Any) -> Iterator[None]:
    settings.HOLDFAST_QUEUE_LIMIT = 4
    gate.forget()
    yield
    gate.forget()


def fill(number: int) -> None:
    make_jobs(make_workspace(), number, priority=Priority.CRITICAL)
    gate.forget()


def refused(priority: Priority) -> bool:
    try:
        gate.check(priority, now=NOW)
    except OverloadedError:
        return True
    return False


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (3, []),
        (4, [Priority.BULK]),
        (6, [Priority.LOW, Priority.BULK]),
        (8, [Priority.NORMAL, Priority.LOW, Priority.BULK]),
        (12, [Priority.HIGH, Priority.NORMAL, Priority.LOW, Priority.BULK]),
    ],
)
def test_the_least_urgent_work_is_refused_first_and_critical_never(number: int, expected: list[Priority]) -> None:
    fill(number)
    assert [priority for priority in Priority if refused(priority)] == expected


def test_what_runs_counts_as_open() -> None:
    fill(4)
    taken()
    gate.forget()
    assert refused(Priority.BULK)


def test_the_count_is_good_for_a_second() -> None:
    make_job(priority=Priority.BULK)
    make_jobs(make_workspace(), 10)
    assert not refused(Priority.BULK)
    gate.forget()
    assert refused(Priority.BULK)


def test_messages_are_refused_as_a_whole_when_the_queue_is_full() -> None:
    fill(8)
    conversation = make_conversation()
    with pytest.raises(OverloadedError):
        say(conversation, "Hello")
    conversation.refresh_from_db()
    assert conversation.length == 0


def test_follow_ups_of_work_that_was_taken_pass() -> None:
    fill(20)
    make_job(priority=Priority.BULK, is_follow_up=True)


def test_a_refusal_says_when_to_ask_again() -> None:
    fill(4)
    with pytest.raises(OverloadedError) as overload:
        gate.check(Priority.BULK, now=NOW)
    assert overload.value.retry_after_s == 60  # nothing was done in the last minute


@pytest.mark.parametrize(("over", "rate", "expected"), [(1, 1000, 1), (100, 10, 10), (1000, 1, 60), (5, 0, 60)])
def test_the_time_to_ask_again_follows_the_rate_of_work(over: int, rate: float, expected: int) -> None:
    assert gate.retry_after_s(over, rate) == expected
