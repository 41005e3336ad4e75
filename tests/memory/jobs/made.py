"""Kinds of jobs for these tests, and builders of jobs of them."""

from __future__ import annotations

import time
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from memory.jobs.kinds import Again, Done, Kind, Payload, Work, job_kind, register
from memory.jobs.submit import submit
from memory.jobs.working.claim import Claim, claim
from memory.models import Job, Priority, Scope, Workspace
from tests.make import NOW, make_workspace

LEASE = timedelta(seconds=60)
AGES_AGO = NOW - timedelta(days=30)


class Number(Payload):
    number: int = 0


def _write(text: str) -> None:
    """An effect that tests can look for."""
    Workspace.objects.create(name=text)


@job_kind("test.quiet", Number, title="Nothing", needs_user=False, scope=Scope.WRITE)
def quiet(work: Work[Number]) -> Done:
    return Done({"number": work.payload.number} if work.payload.number else {})


@job_kind("test.failing", Number, title="Fails", needs_user=False, attempts=3)
def failing(work: Work[Number]) -> Done:
    raise ValueError("no\nand what somebody said")


@job_kind("test.writing", Number, title="Writes", needs_user=False)
def writing(work: Work[Number]) -> Done:
    return Done({"written": True}, write=lambda: _write(f"written-{work.payload.number}"))


@job_kind("test.slices", Number, title="Counts down", needs_user=False, scope=Scope.ADMIN)
def slices(work: Work[Number]) -> Done | Again:
    done = (work.result or {"done": 0})["done"] + 1
    if work.payload.number == 1:
        return Done({"done": done})
    left = Number(number=work.payload.number - 1)
    return Again(left, timedelta(minutes=1), {"done": done}, write=lambda: _write(f"slice-{done}"))


@job_kind("test.slow", Number, title="Takes too long", needs_user=False, time_limit_s=0.05)
def slow(work: Work[Number]) -> Done:
    time.sleep(5)
    return Done()


@job_kind("test.slow-query", Number, title="Asks the database for too long", needs_user=False, time_limit_s=0.1)
def slow_query(work: Work[Number]) -> Done:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    return Done()


@job_kind("test.few", Number, title="Two at a time", needs_user=False, concurrency=2)
def few(work: Work[Number]) -> Done:
    return Done()


register(Kind("test.batch", "Done in batches", Number))


def make_job(workspace: Workspace | None = None, **fields: Any) -> Job:
    """A pending job without a user, due at once."""
    defaults: dict[str, Any] = {
        "kind": "test.quiet",
        "workspace_id": (workspace or make_workspace()).pk,
        "user_id": "",
        "payload": {},
        "now": NOW,
    }
    return submit(**defaults | fields)


def make_jobs(workspace: Workspace, number: int, **fields: Any) -> list[uuid.UUID]:
    return [make_job(workspace, **fields).pk for _ in range(number)]


def take(*, now: datetime = NOW, limit: int = 200, **options: Any) -> Claim | None:
    return claim(now=now, lease=LEASE, limit=limit, **options)


def taken(**options: Any) -> Claim:
    """What a claim takes, which is something."""
    found = take(**options)
    assert found is not None
    return found


def levels_of(found: Claim) -> list[Priority]:
    return [Priority(job.priority) for job in found.jobs]
