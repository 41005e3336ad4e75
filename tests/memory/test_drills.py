"""Memory's drills and those of flags, against the real queue, database, cache and a simulated provider."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from celery import current_app
from django.db import connections
from django.test import override_settings
from django.utils import timezone

from flags.models import Flag
from memory import tasks
from memory.health import checks
from memory.health.drills import background
from memory.models import Job, Memory, Workspace
from monitoring.health import Status, drills
from monitoring.health.drills.registry import find
from monitoring.models import BreakerOverride, DrillResult, Event, Transition
from tests import services
from tests.make import make_memory


def run(name: str) -> DrillResult:
    spec = find(name)
    assert spec is not None
    return drills.run(spec, actor="tests", reason="to see whether it works", now=timezone.now())


def told(row: DrillResult) -> str:
    """What a failed assertion shows."""
    return f"{row.summary} {row.steps}"


@contextmanager
def working() -> Iterator[None]:
    """A worker's shifts, one after the other, in a thread."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            tasks.work()
            stop.wait(0.05)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        "batch-processing-test",
        "circuit-breaker-test",
        "queue-management-test",
        "performance-monitoring-test",
    ],
)
def test_a_drill_does_the_real_thing_and_leaves_nothing(name: str) -> None:
    mine = make_memory("Lives in Leeds")
    row = run(name)
    assert all(step["passed"] for step in row.steps), told(row)
    assert row.steps
    assert row.cleaned_up
    assert Workspace.objects.get() == mine.workspace
    assert Memory.objects.get() == mine
    assert not Job.objects.exists()
    assert not Flag.objects.filter(name__startswith="drill-").exists()
    assert not Transition.objects.exists()
    assert not BreakerOverride.objects.exists()
    assert not Event.objects.exists(), "a drill draws nothing on the charts"


@pytest.mark.django_db(transaction=True)
def test_background_work_is_done_by_a_worker_or_the_drill_says_that_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with working():
        row = run("background-processing-test")
    assert all(step["passed"] for step in row.steps), told(row)
    monkeypatch.setattr(background, "WAIT_S", 0.2)
    row = run("background-processing-test")
    assert not row.passed
    assert "start one with" in row.summary
    assert row.cleaned_up
    assert not Workspace.objects.exists()


@pytest.mark.django_db
def test_the_fallback_drill_says_which_setting_is_in_its_way() -> None:
    with override_settings(HOLDFAST_PRIVATE_PROVIDERS=False):
        row = run("circuit-breaker-test")
    assert not row.passed
    assert "HOLDFAST_PRIVATE_PROVIDERS" in row.summary


def test_a_ping_that_nobody_could_hear_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(current_app.control, "broadcast", lambda name, **_: sent.append(name))
    assert checks.ping() is None
    assert sent == []
    with current_app.connection_for_write() as connection:
        listener = connection.default_channel.client.pubsub()
        listener.psubscribe("/0.celery.pidbox")
        listener.get_message(timeout=1)
        checks.ping()
        listener.close()
    assert sent == ["ping"], "somebody listens, and does not answer"


def test_the_checks_see_the_broker_and_that_no_worker_answers() -> None:
    assert checks.broker().status is Status.PASS
    assert "start one with" in checks.workers().output
    services.kill("broker")
    try:
        found = checks.broker()
        assert "The broker gives no answer" in found.output
        assert ".sock" not in found.output
        assert checks.workers().status is Status.FAIL
    finally:
        services.revive("broker")
