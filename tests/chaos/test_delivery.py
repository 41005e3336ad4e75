from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

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
from tests.chaos.workers import Worker

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]

USERS = 200 if IS_FULL else 20
BACKLOG = 20_000 if IS_FULL else 400
KILLS = 40 if IS_FULL else 2
AWAY_S = 60 if IS_FULL else 1
TROUBLED = 4_000 if IS_FULL else 200  # messages while a service restarts


class Shift:
    """A worker that is replaced when it is killed or stopped; stays for the tests of this file."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.worker = Worker(log)

    def mind(self) -> None:
        """Replace the worker when it has ended on its own, as whoever runs it does.

        Celery's ends when its broker goes in the moment in which it gives a hint back.
        """
        if not self.worker.is_running():
            self.worker.log.close()
            self.worker = Worker(self.log)

    def kill_and_replace(self) -> None:
        self.worker.kill()
        self.worker = Worker(self.log)

    def stop_and_replace(self, *, within_s: float) -> None:
        os.killpg(self.worker.process.pid, signal.SIGTERM)
        self.worker.process.wait(timeout=within_s)
        self.worker.log.close()
        self.worker = Worker(self.log)


@pytest.fixture(scope="module")
def shift(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shift]:
    shift = Shift(tmp_path_factory.mktemp("shift") / "worker.log")
    yield shift
    shift.worker.kill()


def test_killed_workers_lose_and_double_nothing(shift: Shift) -> None:
    pile_up(make_conversations(USERS), BACKLOG)
    for kill in range(1, KILLS + 1):
        enough = min(done() + BACKLOG // (2 * KILLS), BACKLOG - (KILLS - kill) - 1)
        wait(lambda enough=enough: done() >= enough, what=f"work before kill {kill}", meanwhile=shift.mind)  # type: ignore[misc]
        shift.kill_and_replace()
    wait_for_all(shift.mind)
    assert_exactly_once(BACKLOG)


def test_a_killed_broker_with_all_hints_in_it_loses_nothing(shift: Shift) -> None:
    conversations = make_conversations(USERS)
    pile_up(conversations, TROUBLED // 2)
    wait(lambda: done() > 0, what="the first work", meanwhile=shift.mind)
    services.kill("broker")
    # nobody takes a hint now: messages are taken all the same
    pile_up(conversations, TROUBLED // 2, first=TROUBLED // 2)
    hints.wake(Priority.NORMAL)
    time.sleep(AWAY_S)
    services.revive("broker")
    wait_for_all(shift.mind)
    assert_exactly_once(2 * (TROUBLED // 2))


def test_flushed_brokers_and_caches_lose_nothing(shift: Shift) -> None:
    pile_up(make_conversations(USERS), TROUBLED)
    for share in (0.2, 0.5):
        wait(lambda share=share: done() > share * TROUBLED, what="work to disturb", meanwhile=shift.mind)  # type: ignore[misc]
        for service in ("broker", "cache"):
            services.flush(service)
    wait_for_all(shift.mind)
    assert_exactly_once(TROUBLED)


def test_a_killed_cache_loses_nothing(shift: Shift) -> None:
    pile_up(make_conversations(USERS), TROUBLED)
    wait(lambda: done() > 0, what="the first work", meanwhile=shift.mind)
    services.kill("cache")
    so_far = done()
    wait(lambda: done() > so_far or done() == TROUBLED, what="work without a cache", meanwhile=shift.mind)
    services.revive("cache")
    wait_for_all(shift.mind)
    assert_exactly_once(TROUBLED)


def test_a_restarted_postgresql_loses_and_doubles_nothing(shift: Shift) -> None:
    pile_up(make_conversations(USERS), TROUBLED)
    wait(lambda: done() > 0, what="the first work", meanwhile=shift.mind)
    services.kill("postgres", signal.SIGINT)
    reconnect()
    services.revive("postgres")
    wait_for_all(shift.mind)
    assert_exactly_once(TROUBLED)


def test_a_stopped_worker_is_gone_within_the_grace_period_and_loses_nothing(shift: Shift) -> None:
    pile_up(make_conversations(USERS), TROUBLED)
    wait(lambda: done() > 0, what="the first work", meanwhile=shift.mind)
    # docs/operating.md promises it; a worker that takes longer is killed by whoever stops it
    shift.stop_and_replace(within_s=60)
    wait_for_all(shift.mind)
    assert_exactly_once(TROUBLED)
