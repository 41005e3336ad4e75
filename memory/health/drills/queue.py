"""The queue's rules with real rows: what is urgent first, what is cancelled never, what fails again, what dies last."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from memory.errors import InvalidError
from memory.health import sandbox
from memory.jobs import change
from memory.jobs.submit import KEY_LENGTH, submit
from memory.jobs.working.claim import claim
from memory.jobs.working.run import run
from memory.models import Job, JobState, Priority, Workspace
from monitoring.health.drills import Drill, FailedError, require

USER: Final = "drill"
ACTOR: Final = "drill"
LEASE: Final = timedelta(minutes=5)
PATIENCE: Final = timedelta(minutes=10)  # longer than any backoff


def drill(drill: Drill) -> None:
    workspace, now = sandbox.make(drill.scope), timezone.now() + sandbox.LATER
    _priorities(drill, workspace, now)
    _cancel(drill, workspace, now)
    _dead_letter(drill, workspace, now)
    _bounds(drill, workspace, now)


def _job(workspace: Workspace, now: datetime, *, kind: str = "noop", **of: object) -> Job:
    payload = of.pop("payload", {})
    return submit(kind=kind, workspace_id=workspace.pk, user_id=USER, payload=payload, now=now, **of)  # type: ignore[arg-type]


def _work(workspace: Workspace, now: datetime) -> list[int]:
    """Do what is due as a worker would; the priorities, in the order in which they were done."""
    taken = claim(now=now, lease=LEASE, limit=50, only=(workspace.pk, USER))
    if taken is None:
        return []
    run(taken.token, taken.jobs, clock=lambda: now)
    return [job.priority for job in taken.jobs]


def _priorities(drill: Drill, workspace: Workspace, now: datetime) -> None:
    with drill.step("do five priorities, the least urgent asked for first") as step:
        for priority in sorted(Priority, reverse=True):
            _job(workspace, now, priority=priority)
        order = _work(workspace, now)
        require(order == sorted(Priority), f"They were done in the order {order}, not the most urgent first.")
        step.detail = "critical, high, normal, low, bulk"


def _cancel(drill: Drill, workspace: Workspace, now: datetime) -> None:
    with drill.step("cancel a waiting job") as step:
        job = _job(workspace, now)
        change.cancel(job, actor=ACTOR, reason="a drill", now=now)
        require(not _work(workspace, now), "It was done nevertheless.")
        step.detail = "it was never run"


def _dead_letter(drill: Drill, workspace: Workspace, now: datetime) -> None:
    most = settings.HOLDFAST_JOB_ATTEMPTS
    job = _job(workspace, now, kind="drill", payload={"fail_times": 100})
    with drill.step(f"fail {most} times") as step:
        for attempt in range(most):
            require(bool(_work(workspace, now + attempt * PATIENCE)), f"Attempt {attempt + 1} was not made.")
        job.refresh_from_db()
        require(job.state == JobState.DEAD, f"After {most} attempts it is {job.state}, not dead.")
        step.detail = "dead, with its error and history, for somebody to look at"
    with drill.step("retry the dead letter") as step:
        retried = change.retry(job, actor=ACTOR, reason="a drill", now=now)
        require(retried.state == JobState.PENDING and not retried.attempts, "It does not wait with all its attempts.")
        Job.objects.filter(pk=job.pk).update(payload={"fail_times": 0})
        require(bool(_work(workspace, now)), "The retried job was not done.")
        job.refresh_from_db()
        require(job.state == JobState.SUCCEEDED, f"The retried job is {job.state}.")
        step.detail = "a retry begins with all its attempts, and it succeeded"


def _bounds(drill: Drill, workspace: Workspace, now: datetime) -> None:
    with drill.step("ask for the same work twice") as step:
        first, second = (_job(workspace, now, key="once") for _ in range(2))
        require(first.pk == second.pk, "Two jobs wait under one key.")
        step.detail = "one job waits under the key"
    with drill.step("ask for what is out of bounds") as step:
        _refused(lambda: _job(workspace, now, kind="drill", payload={"sleep_ms": 1_000_000}))
        _refused(lambda: _job(workspace, now, kind="no-such-kind"))
        _refused(lambda: _job(workspace, now, key="k" * (KEY_LENGTH + 1)))
        step.detail = "a payload, a kind and a key were refused, each with the field and the reason"


def _refused(ask: object) -> None:
    assert callable(ask)
    try:
        ask()
    except InvalidError:
        return
    raise FailedError("What is out of bounds was taken.")
