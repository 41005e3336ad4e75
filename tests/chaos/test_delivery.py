from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from memory.jobs.delivery import hints
from memory.models import Priority
from tests import services
from tests.chaos.backlog import (
    IS_FULL,
    assert_exactly_once,
    done,
    make_conversations,
    pile_up,
    reconnect,
    wait,
    wait_for_all,
)
from tests.chaos.workers import Beat, Worker
from tests.make import say

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]

USERS = 200 if IS_FULL else 20
BACKLOG = 20_000 if IS_FULL else 400
KILLS = 40 if IS_FULL else 2
AWAY_S = 60 if IS_FULL else 1
TROUBLED = 4_000 if IS_FULL else 200  # messages while a service restarts


class Shift:
    """A worker that is replaced when it is killed; ends with the test."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.worker = Worker(log)

    def kill_and_replace(self) -> None:
        self.worker.kill()
        self.worker = Worker(self.log)


@pytest.fixture
def shift(tmp_path: Path) -> Iterator[Shift]:
    shift = Shift(tmp_path / "worker.log")
    yield shift
    shift.worker.kill()


def test_killed_workers_lose_and_double_nothing(shift: Shift) -> None:
    pile_up(make_conversations(USERS), BACKLOG)
    for kill in range(1, KILLS + 1):
        enough = min(done() + BACKLOG // (2 * KILLS), BACKLOG - (KILLS - kill) - 1)
        wait(lambda enough=enough: done() >= enough, what=f"work before kill {kill}")  # type: ignore[misc]
        shift.kill_and_replace()
    wait_for_all()
    assert_exactly_once(BACKLOG)


def test_a_killed_broker_with_all_hints_in_it_loses_nothing(shift: Shift) -> None:
    conversations = make_conversations(USERS)
    pile_up(conversations, TROUBLED // 2)
    wait(lambda: done() > 0, what="the first work")
    services.kill("broker")
    # nobody takes a hint now: messages are taken all the same
    pile_up(conversations, TROUBLED // 2, first=TROUBLED // 2)
    hints.wake(Priority.NORMAL)
    time.sleep(AWAY_S)
    services.revive("broker")
    wait_for_all()
    assert_exactly_once(2 * (TROUBLED // 2))


def test_flushed_brokers_and_caches_lose_nothing(shift: Shift) -> None:
    pile_up(make_conversations(USERS), TROUBLED)
    for share in (0.2, 0.5):
        wait(lambda share=share: done() > share * TROUBLED, what="work to disturb")  # type: ignore[misc]
        for service in ("broker", "cache"):
            services.flush(service)
    wait_for_all()
    assert_exactly_once(TROUBLED)


def test_a_killed_cache_loses_nothing(shift: Shift) -> None:
    pile_up(make_conversations(USERS), TROUBLED)
    wait(lambda: done() > 0, what="the first work")
    services.kill("cache")
    so_far = done()
    wait(lambda: done() > so_far or done() == TROUBLED, what="work without a cache")
    services.revive("cache")
    wait_for_all()
    assert_exactly_once(TROUBLED)


def test_a_restarted_postgresql_loses_and_doubles_nothing(shift: Shift) -> None:
    pile_up(make_conversations(USERS), TROUBLED)
    wait(lambda: done() > 0, what="the first work")
    services.kill("postgres", signal.SIGINT)
    reconnect()
    services.revive("postgres")
    wait_for_all()
    assert_exactly_once(TROUBLED)


def test_two_beats_and_two_workers_do_everything_once(tmp_path: Path) -> None:
    conversations = make_conversations(USERS)
    pile_up(conversations, TROUBLED)
    running = [Worker(tmp_path / f"worker-{n}.log", beat=False) for n in range(2)]
    beats = [Beat(tmp_path / f"beat-{n}.log") for n in range(2)]
    try:
        wait_for_all()
    finally:
        for process in (*running, *beats):
            process.kill()
    assert_exactly_once(TROUBLED)


def test_a_stopped_worker_is_gone_within_the_grace_period_and_loses_nothing(shift: Shift) -> None:
    pile_up(make_conversations(USERS), TROUBLED)
    wait(lambda: done() > 0, what="the first work")
    os.killpg(shift.worker.process.pid, signal.SIGTERM)
    # docs/operating.md promises 60 s; a worker that takes longer is killed by whoever stops it
    shift.worker.process.wait(timeout=60)
    shift.worker.log.close()
    shift.worker = Worker(shift.log)
    wait_for_all()
    assert_exactly_once(TROUBLED)


def test_a_message_posted_while_all_is_well_is_processed_without_waiting_for_the_dispatcher(tmp_path: Path) -> None:
    worker = Worker(tmp_path / "worker.log", beat=False)  # no dispatcher at all: only the hint can wake it
    try:
        conversation = make_conversations(1)[0]
        say(conversation, "I own a yellow kite.", now=timezone.now())
        hints.wake(Priority.NORMAL)
        wait_for_all()
    finally:
        worker.kill()
    assert_exactly_once(1)
