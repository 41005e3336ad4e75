"""The Celery tasks: a shift of work, and the tick that repairs what hints missed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from celery import shared_task
from django.utils import timezone

from memory.jobs.delivery import dispatch, hints
from memory.jobs.working import shift
from memory.jobs.working.claim import Claimed
from memory.models import Priority
from memory.providers import usage
from memory.work import tools
from memory.work.messages.process import process
from memory.work.tools import Tools
from memory.work.upkeep import large_scopes
from monitoring import metrics


@shared_task(name=hints.TASK, bind=True)  # type: ignore[untyped-decorator]
def work(task: Any, priority: int = Priority.NORMAL) -> None:
    """Somebody said that there is work at this priority: do what is due, the most urgent first."""
    sent_at = (task.request.headers or {}).get("enqueued_at")
    if isinstance(sent_at, (int, float)):
        metrics.observe("hint.delay", max(0.0, time.time() - sent_at))
    shift.start(_process, clock=timezone.now).work()


@shared_task(name="memory.dispatch")  # type: ignore[untyped-decorator]
def tick() -> None:
    """Every second: return the jobs of dead workers, hint at what is due, and log what the providers did."""
    now = timezone.now()
    dispatch.tick(now=now)
    usage.log_line(now=now)


@shared_task(name="memory.upkeep")  # type: ignore[untyped-decorator]
def upkeep() -> None:
    """Every minute: bring scopes that have become large into the vector index, and small ones out of it."""
    large_scopes.order(now=timezone.now())


def tools_from_settings() -> Tools:
    return tools.from_settings()


def _process(token: uuid.UUID, jobs: Sequence[Claimed], now: datetime) -> dict[uuid.UUID, str]:
    return process(token, jobs, tools=tools_from_settings(), now=now)
