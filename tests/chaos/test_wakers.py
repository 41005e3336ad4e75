from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from memory.jobs.delivery import hints
from memory.models import Priority
from tests.chaos.backlog import IS_FULL, assert_exactly_once, make_conversations, pile_up, wait_for_all
from tests.chaos.workers import Beat, Worker
from tests.make import say

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]

USERS, BACKLOG = (200, 4_000) if IS_FULL else (20, 200)


def test_two_beats_and_two_workers_do_everything_once(tmp_path: Path) -> None:
    conversations = make_conversations(USERS)
    pile_up(conversations, BACKLOG)
    running = [Worker(tmp_path / f"worker-{n}.log", beat=False) for n in range(2)]
    beats = [Beat(tmp_path / f"beat-{n}.log") for n in range(2)]
    try:
        wait_for_all()
    finally:
        for process in (*running, *beats):
            process.kill()
    assert_exactly_once(BACKLOG)


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
