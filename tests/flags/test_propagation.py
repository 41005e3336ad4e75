"""A toggle in one process, as others that evaluate all the time see it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from flags import rollout, snapshot
from flags.models import Flag
from tests import services
from tests.flags.make import make_flag
from tests.monitoring.processes import Forked

pytestmark = pytest.mark.chaos
PATIENCE_S = 30
Children = list[Forked]


def ask(say: Callable[[Any], None]) -> None:
    """Says the answer, and each other answer that comes."""
    last = None
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        answer = rollout.is_on("enhanced", "mara")
        if answer is not last:
            last = answer
            say(answer)
        time.sleep(0.001)


@pytest.fixture
def children(transactional_db: None) -> Iterator[Children]:
    make_flag(percent=0)
    connection.close()  # a child must not speak over its parent's
    made = [Forked(ask) for _ in range(3)]
    yield made
    for child in made:
        child.kill()
        child.end()


def toggle(is_on: bool) -> None:
    flag = Flag.objects.get(name="enhanced")
    flag.everyone = is_on
    flag.save()


def hear(children: Children) -> list[bool]:
    return [child.hear() for child in children]


def test_a_toggle_reaches_every_process_with_redis_and_without(children: Children) -> None:
    assert hear(children) == [False] * 3
    toggle(True)
    assert hear(children) == [True] * 3
    while len(told := snapshot.receipts(timezone.now())) < 3 or told[0].version != told[-1].version:
        time.sleep(0.01)
    assert {receipt.process.split(":")[1] for receipt in told} == {str(child.pid) for child in children}
    services.kill("cache")
    try:
        toggle(False)
        assert hear(children) == [False] * 3, "PostgreSQL was asked"
    finally:
        services.revive("cache")
    toggle(True)
    assert hear(children) == [True] * 3
