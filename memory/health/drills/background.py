"""Jobs go out and come back: submitted through the queue, done by a worker that runs elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from memory.conversation.ingest import NewMessage, append, open_conversation
from memory.health import sandbox
from memory.health.checks import START
from memory.jobs.delivery import hints
from memory.jobs.submit import submit_many
from memory.models import Job, JobState, Memory, Priority, Workspace
from memory.work.payloads import Noop
from monitoring.health.drills import Drill, FailedError, require

JOBS: Final = 20
WAIT_S: Final = 4.0
USER: Final = "drill"
SAID: Final = "I live in Leeds, and I am allergic to peanuts."


def drill(drill: Drill) -> None:
    workspace = sandbox.make(drill.scope)
    ids = _submitted(drill, workspace)
    _done_by_a_worker(drill, ids)
    _message(drill, workspace)


def _submitted(drill: Drill, workspace: Workspace) -> list[UUID]:
    with drill.step(f"submit {JOBS} jobs that do nothing") as step:
        payloads = [Noop()] * JOBS
        ids = submit_many(
            kind="noop",
            workspace_id=workspace.pk,
            user_ids=[USER] * JOBS,
            payloads=payloads,
            now=timezone.now(),
            priority=Priority.HIGH,
        )
        hints.wake(Priority.HIGH)
        step.detail = "one statement, and a hint to the workers"
    return ids


def _done_by_a_worker(drill: Drill, ids: Sequence[UUID]) -> None:
    jobs = Job.objects.filter(pk__in=ids)
    with drill.step("a worker does them") as step:
        drill.wait(lambda: not jobs.filter(state=JobState.PENDING).exists(), at_most_s=WAIT_S, otherwise=_nobody())
        _wait_for(drill, jobs)
        step.detail = f"{JOBS} succeeded"
    rows = list(jobs.values_list("created_at", "started_at", "finished_at"))
    waits = sorted((started - made).total_seconds() * 1000 for made, started, _ in rows if started)
    ends = sorted((ended - made).total_seconds() * 1000 for made, _, ended in rows if ended)
    drill.figure("picked up, half of them", waits[len(waits) // 2], "ms", 1000)
    drill.figure("all done", ends[-1], "ms", 3000)


def _message(drill: Drill, workspace: Workspace) -> None:
    with drill.step("post a message") as step:
        conversation, _ = open_conversation(workspace_id=workspace.pk, user_id=USER, external_id=None)
        appended = append(
            workspace_id=workspace.pk,
            conversation_id=conversation.pk,
            messages=[NewMessage("user", SAID)],
            now=timezone.now(),
            priority=Priority.HIGH,
        )
        hints.wake(Priority.HIGH)
        step.detail = "the message and its job are one commit"
    assert appended.job_id is not None
    jobs = Job.objects.filter(pk=appended.job_id)
    with drill.step("find its memories") as step:
        _wait_for(drill, jobs)
        job = jobs.get()
        found = Memory.objects.of(workspace.pk, USER).active().count()
        skipped = (job.result or {}).get("skipped", "")
        require(
            found > 0 or bool(skipped),
            "The message was processed, and no memory came of it: see the extractor that is configured.",
        )
        step.detail = skipped or f"{found} memories"
    assert job.started_at is not None
    assert job.finished_at is not None
    drill.figure("processing", (job.finished_at - job.started_at).total_seconds() * 1000, "ms", 100)
    drill.figure("from message to memory", (job.finished_at - job.created_at).total_seconds() * 1000, "ms", 2000)


def _wait_for(drill: Drill, jobs: QuerySet[Job]) -> None:
    ended = (JobState.SUCCEEDED, JobState.FAILED, JobState.DEAD)
    drill.wait(lambda: not jobs.exclude(state__in=ended).exists(), at_most_s=WAIT_S, otherwise=_nobody())
    if failed := jobs.exclude(state=JobState.SUCCEEDED).count():
        raise FailedError(f"{failed} of {jobs.count()} jobs failed: see their errors in the queues.")


def _nobody() -> str:
    return f"No worker did it in {WAIT_S:g} s: {START}. With a worker, see what holds it up in the queues."
