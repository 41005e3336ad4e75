"""The Celery tasks: hints that a user has work, and the tick that repairs what hints missed."""

from __future__ import annotations

import logging
import time
import uuid
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from memory.jobs import dispatch, finish, sweep
from memory.jobs.claim import Claim, claim
from memory.models import Priority
from memory.process import Tools, process
from memory.providers import configured
from monitoring import metrics

log = logging.getLogger(__name__)


def hint(workspace_id: uuid.UUID, user_id: str, priority: int = Priority.NORMAL) -> None:
    """Tell the workers that a user has work. With the broker away the rows wait, and the dispatcher sends it later."""
    try:
        work.apply_async((str(workspace_id), user_id), priority=priority, retry=False)
    except OperationalError as problem:
        metrics.count("hints.errors")
        log.warning("event=hint_failed error=%s", type(problem).__name__)
        dispatch.hint_failed([(workspace_id, user_id)])


@shared_task(name="memory.work")  # type: ignore[untyped-decorator]
def work(workspace_id: str, user_id: str) -> None:
    """Do what waits for one user; after a while let others go first, and come back."""
    lease = timedelta(seconds=settings.HOLDFAST_JOB_LEASE_S)
    tools = tools_from_settings()
    until = time.monotonic() + settings.CELERY_TASK_SOFT_TIME_LIMIT / 3
    while taken := claim(workspace_id=uuid.UUID(workspace_id), user_id=user_id, now=timezone.now(), lease=lease):
        run(taken, tools)
        if time.monotonic() > until:
            hint(taken.workspace_id, user_id, taken.jobs[-1].priority)
            return


def run(taken: Claim, tools: Tools) -> None:
    """Process a claim, and write down what came of it."""
    try:
        with metrics.timed("job.process_messages"):
            process(taken, tools=tools, now=timezone.now())
    except finish.LostLeaseError:
        log.warning("event=lease_lost claim=%s", taken.token)
    except Exception as problem:  # noqa: BLE001 - the edge of the job: whatever went wrong is its outcome
        # the first line only: PostgreSQL's second one quotes values, which may be what somebody said
        error = f"{type(problem).__name__}: {problem}".splitlines()[0]
        log.error("event=job_failed claim=%s error=%s", taken.token, type(problem).__name__)
        finish.fail(taken, error=error, attempts=settings.HOLDFAST_JOB_ATTEMPTS, now=timezone.now())


@shared_task(name="memory.dispatch")  # type: ignore[untyped-decorator]
def tick() -> None:
    """Every second: return the jobs of dead workers, and hint at users whose jobs wait unseen."""
    now = timezone.now()
    sweep.sweep(attempts=settings.HOLDFAST_JOB_ATTEMPTS, now=now)
    for (workspace_id, user_id), priority in dispatch.due(now=now).items():
        hint(workspace_id, user_id, priority)


def tools_from_settings() -> Tools:
    return Tools(
        embedder=configured.embedder(),
        extractor=configured.extractor(),
        summarizer=configured.summarizer(),
        near_certain=settings.HOLDFAST_NEAR_CERTAIN,
        window_tokens=settings.HOLDFAST_WINDOW_TOKENS,
        summary_tokens=settings.HOLDFAST_SUMMARY_TOKENS,
    )
