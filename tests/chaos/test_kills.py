from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from memory.models import Decision, Job, JobState, Memory, Message
from memory.providers import configured
from memory.providers.base import Said
from memory.tasks import hint
from tests import services
from tests.chaos.workers import Worker
from tests.make import make_conversation, make_workspace, say

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]

USERS, POSTS, MESSAGES = 20, 20, 5  # 2,000 messages
PATIENCE_S = 120
FACTS_WHILE_AWAY = ("I own a yellow kite.", "My sister owns a black kite.")


def wait(until: Callable[[], bool], *, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not until():
        if time.monotonic() > deadline:
            states = Counter(Job.objects.values_list("state", "error"))
            pytest.fail(f"Still waiting for {what} after {PATIENCE_S} s; jobs: {states}")
        time.sleep(0.05)


def processed() -> int:
    return Message.objects.exclude(processed_at=None).count()


def test_killed_workers_and_a_killed_broker_lose_and_double_nothing(tmp_path: Path) -> None:
    workspace = make_workspace()
    conversations = [make_conversation(workspace, user_id=f"user-{number}") for number in range(USERS)]
    lease = {"HOLDFAST_JOB_LEASE_S": "3", "HOLDFAST_JOB_ATTEMPTS": "20"}
    worker = Worker(tmp_path / "worker.log", **lease)
    try:
        for post in range(POSTS):
            for number, conversation in enumerate(conversations):
                facts = [f"I own {number} red bikes and {post * MESSAGES + n} green boats." for n in range(MESSAGES)]
                say(conversation, *facts, now=timezone.now() - timedelta(seconds=1))
                hint(workspace.pk, conversation.user_id)
            if post in {6, 12}:
                so_far = processed()
                wait(lambda: processed() > so_far, what="work to kill")  # noqa: B023 - read at once
                worker.kill()
                worker = Worker(tmp_path / "worker.log", **lease)
            if post == 9:
                services.kill_broker()
                # nobody takes a hint now: the message is taken all the same
                assert len(say(conversations[0], *FACTS_WHILE_AWAY, now=timezone.now()).items) == 2
                hint(workspace.pk, conversations[0].user_id)
                assert Job.objects.latest("id").hinted_at is None
                services.revive_broker()
        wait(lambda: not Job.objects.exclude(state=JobState.SUCCEEDED).exists(), what="all jobs")
    finally:
        worker.kill()
    assert processed() == Message.objects.count() == USERS * POSTS * MESSAGES + len(FACTS_WHILE_AWAY)
    assert decisions_by_message() == facts_by_message()
    assert Memory.objects.count() == sum(facts_by_message().values())


def decisions_by_message() -> Counter[object]:
    return Counter(Decision.objects.values_list("message_id", flat=True))


def facts_by_message() -> Counter[object]:
    """How many facts the extractor finds in each message: what exactly once means."""
    extractor = configured.extractor()
    return Counter(
        {
            message.pk: len(extractor.extract(Said(message.role, message.content, message.said_at)))
            for message in Message.objects.all()
        }
    )
