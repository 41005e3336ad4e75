from __future__ import annotations

from datetime import timedelta

import pytest
import redis

from memory.jobs.delivery import dispatch, hints
from memory.jobs.working import finish
from memory.models import Job, JobState, Priority
from tests.make import NOW, make_workspace
from tests.memory.jobs.made import LEASE, make_job, make_jobs, taken
from tests.memory.jobs.test_hints import broker, waiting

__all__ = ["broker"]
pytestmark = pytest.mark.django_db


def test_the_dispatcher_hints_at_levels_with_due_work(broker: redis.Redis) -> None:
    workspace = make_workspace()
    make_jobs(workspace, 3, priority=Priority.BULK)
    make_job(workspace, priority=Priority.HIGH)
    make_job(workspace, priority=Priority.LOW, available_at=NOW + timedelta(hours=1))
    assert dispatch.hint(now=NOW, batch=2) == [Priority.HIGH, Priority.BULK, Priority.BULK]
    assert [len(waiting(broker, priority)) for priority in Priority] == [0, 1, 0, 0, 2]


def test_it_hints_again_until_somebody_comes(broker: redis.Redis) -> None:
    make_job()
    assert dispatch.hint(now=NOW, batch=200) == [Priority.NORMAL]
    assert dispatch.hint(now=NOW, batch=200) == [Priority.NORMAL]
    taken()
    assert dispatch.hint(now=NOW, batch=200) == []


def test_it_does_not_hint_at_users_for_whom_somebody_works(broker: redis.Redis) -> None:
    workspace = make_workspace()
    make_job(workspace, user_id="mara")
    taken()
    make_job(workspace, user_id="mara")
    assert dispatch.hint(now=NOW, batch=200) == []


def test_it_hints_no_more_while_plenty_of_hints_wait(broker: redis.Redis) -> None:
    make_job()
    assert hints.send([Priority.LOW] * 100)
    assert dispatch.hint(now=NOW, batch=200) == []


def test_a_job_that_failed_is_hinted_at_when_its_backoff_ends(broker: redis.Redis) -> None:
    job = make_job()
    finish.fail(taken().token, {job.pk: "no"}, now=NOW)
    assert dispatch.hint(now=NOW + timedelta(seconds=3), batch=200) == [Priority.NORMAL]


def test_a_tick_takes_back_hints_and_removes_and_may_run_twice(broker: redis.Redis) -> None:
    make_job()
    taken()
    old = make_job(now=NOW - timedelta(days=30))
    Job.objects.filter(pk=old.pk).update(state=JobState.SUCCEEDED, finished_at=NOW - timedelta(days=30))
    now = NOW + LEASE + timedelta(seconds=5)
    for _ in range(2):
        dispatch.tick(now=now)
        dispatch.tick(now=now + timedelta(seconds=3))
    assert Job.objects.get(state=JobState.FAILED).attempts == 1
    assert len(waiting(broker, Priority.NORMAL)) >= 2
