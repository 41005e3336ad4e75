"""A backlog of messages whose facts can be counted: what exactly once means."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from memory.models import Conversation, Decision, Job, JobState, Memory, Message
from memory.providers import configured
from memory.providers.base import Said
from tests.make import make_conversation, make_workspace, say

# `make chaos` runs the long form, `make test` and CI the short one
IS_FULL = os.environ.get("HOLDFAST_CHAOS") == "full"
PATIENCE_S = 900 if IS_FULL else 150


def make_conversations(users: int) -> list[Conversation]:
    workspace = make_workspace()
    return [make_conversation(workspace, user_id=f"user-{number}") for number in range(users)]


def pile_up(conversations: Sequence[Conversation], jobs: int, *, first: int = 0) -> None:
    """Post `jobs` times one message with a fact of its own, round robin: each is a job."""
    a_second_ago = timezone.now() - timedelta(seconds=1)
    for number in range(first, first + jobs):
        conversation = conversations[number % len(conversations)]
        say(conversation, f"I own {number} green boats.", now=a_second_ago)


def done() -> int:
    return Job.objects.filter(state=JobState.SUCCEEDED).count()


def wait(until: Callable[[], bool], *, what: str, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Look again and again until it is so; fail with what the jobs say when it takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not until():
        meanwhile()
        if time.monotonic() > deadline:
            states = Counter(Job.objects.values_list("state", "attempts", "error"))
            pytest.fail(f"Still waiting for {what} after {PATIENCE_S} s; jobs: {states.most_common(10)}")
        time.sleep(0.05)


def wait_for_all(meanwhile: Callable[[], None] = lambda: None) -> None:
    wait(lambda: not Job.objects.exclude(state=JobState.SUCCEEDED).exists(), what="all jobs", meanwhile=meanwhile)


def assert_exactly_once(messages: int) -> None:
    """Every message was processed, and every fact of each was decided about once: none lost, none doubled."""
    assert Message.objects.count() == messages
    assert Message.objects.filter(processed_at=None).count() == 0
    expected = facts_by_message()
    assert Counter(Decision.objects.values_list("message_id", flat=True)) == expected
    assert Memory.objects.count() == sum(expected.values())


def facts_by_message() -> Counter[object]:
    """How many facts the extractor finds in each message."""
    extractor = configured.extractor()
    return Counter(
        {
            message.pk: len(extractor.extract(Said(message.role, message.content, message.said_at)))
            for message in Message.objects.all()
        }
    )


def reconnect() -> None:
    """PostgreSQL was restarted: this process's connections are gone too."""
    connections.close_all()
