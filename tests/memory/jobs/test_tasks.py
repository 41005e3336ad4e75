from __future__ import annotations

import time

import pytest
from celery.app.task import Context

from memory import tasks
from memory.jobs.delivery import hints
from memory.models import Job, JobState, Priority
from monitoring.metrics import record
from tests.make import make_workspace
from tests.memory.jobs.made import make_job, make_jobs

pytestmark = pytest.mark.django_db


def test_a_hint_has_all_due_work_done_whatever_its_priority() -> None:
    workspace = make_workspace()
    make_jobs(workspace, 3, priority=Priority.BULK)
    make_job(workspace, kind="test.writing")
    tasks.work.apply(args=(Priority.HIGH,))
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.SUCCEEDED}


def test_a_hint_tells_how_long_it_was_under_way() -> None:
    record.drain()
    tasks.work.apply(args=(Priority.HIGH,), headers={"enqueued_at": time.time() - 2})
    assert 2 <= record.drain().latencies["hint.delay"].seconds < 60


def test_a_workers_request_carries_the_headers_of_the_message() -> None:
    # how Celery hands a message's own headers to the task, which `work` relies on
    assert Context({"id": "1", "task": hints.TASK, "enqueued_at": 7.0}).headers == {"enqueued_at": 7.0}


def test_the_flow_of_a_level_is_counted_in_and_out() -> None:
    record.drain()
    make_job(priority=Priority.LOW)
    tasks.work.apply(args=(Priority.LOW,))
    delta = record.drain()
    assert delta.counters["queue.low.in"] == 1
    assert delta.latencies["queue.low.wait"].count == 1
    assert delta.latencies["job.test.quiet"].count == 1
