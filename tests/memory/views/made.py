"""Builders of the Queues page: jobs in every state, and an hour of their figures."""

from __future__ import annotations

import math
import random
import uuid
from datetime import datetime, timedelta
from typing import Any

from memory.models import Job, JobState, Priority, Workspace
from monitoring.metrics.record import Delta
from monitoring.metrics.sketch import Sketch
from tests.make import make_workspace
from tests.monitoring.kept import record_once
from tests.monitoring.recorded import publish

HOUR_S = 3600
EVERY_S = 10
# jobs a second in, and the wait of most in seconds
PACE = {"critical": (0.2, 0.004), "high": (1.4, 0.006), "normal": (8.0, 0.03), "low": (1.1, 0.2), "bulk": (4.0, 2.4)}


def make_job(workspace: Workspace | None = None, *, now: datetime, **fields: Any) -> Job:
    """A waiting job, due now."""
    defaults = {"kind": "process_messages", "user_id": "mara", "available_at": now, "payload": {"first": 1, "last": 4}}
    job = Job.objects.create(**{"workspace": workspace or make_workspace(), **defaults, **fields})
    Job.objects.filter(pk=job.pk).update(created_at=fields.get("created_at", now))
    job.refresh_from_db()
    return job


def make_dead(
    workspace: Workspace | None = None, *, now: datetime, error: str = "ProviderError: 504", **more: Any
) -> Job:
    """A job that failed in its five attempts, the last of them a minute ago."""
    tries = [now - timedelta(seconds=seconds) for seconds in (340, 322, 260, 190, 60)]
    history = [{"at": at.isoformat(), "event": "failed", "why": error} for at in tries[:-1]]
    died = {"at": tries[-1].isoformat(), "event": "died", "why": error}
    fields = {
        "state": JobState.DEAD,
        "attempts": 5,
        "error": error,
        "history": [*history, died],
        "created_at": now - timedelta(minutes=6),
        "available_at": now - timedelta(seconds=61),
        "started_at": now - timedelta(seconds=61),
        "finished_at": tries[-1],
    }
    return make_job(workspace, now=now, **fields | more)


def make_running(
    workspace: Workspace | None = None, *, now: datetime, claim: uuid.UUID | None = None, **more: Any
) -> Job:
    fields = {
        "state": JobState.RUNNING,
        "attempts": 1,
        "claim": claim or uuid.uuid4(),
        "available_at": now - timedelta(seconds=3),
        "started_at": now - timedelta(seconds=2),
        "lease_until": now + timedelta(seconds=58),
        "created_at": now - timedelta(seconds=3),
    }
    return make_job(workspace, now=now, **fields | more)


def make_done(workspace: Workspace | None = None, *, now: datetime, **more: Any) -> Job:
    fields = {
        "state": JobState.SUCCEEDED,
        "attempts": 1,
        "result": {"memories": 2, "messages": 4},
        "available_at": now - timedelta(seconds=40),
        "started_at": now - timedelta(seconds=39.97),
        "finished_at": now - timedelta(seconds=39.8),
        "created_at": now - timedelta(seconds=40),
    }
    return make_job(workspace, now=now, **fields | more)


def record_queues(*, now: datetime, backlog: bool = False) -> None:
    """An hour of the queues' figures; with a backlog, bulk work has come in faster than it is done for ten minutes."""
    chance = random.Random(11)
    record_once(
        "worker:1:a",
        lambda ago_s: _delta(chance, ago_s, backlog),
        key=f"queues {backlog}",
        until=int(now.timestamp()),
        seconds=HOUR_S,
        every_s=EVERY_S,
    )
    publish(now=now)


def _delta(chance: random.Random, ago_s: int, backlog: bool) -> Delta:
    counters: dict[str, float] = {}
    gauges: dict[str, float] = {}
    sketches: dict[str, Sketch] = {}
    flood = max(0.0, min(1.0, (600 - ago_s) / 60)) if backlog else 0.0
    for level in Priority:
        name = level.name.lower()
        per_s, wait_s = PACE[name]
        wave = 1 + 0.12 * math.sin(ago_s / 400 + level) + chance.uniform(-0.08, 0.08)
        coming = per_s * wave * (1 + (9 * flood if name == "bulk" else 0))
        going = per_s * wave * (1 + (4 * flood if name == "bulk" else 0))
        counters |= {f"queue.{name}.in": coming * EVERY_S, f"queue.{name}.out": going * EVERY_S}
        counters[f"queue.{name}.failed"] = going * EVERY_S * 0.004
        gauges[f"queue.{name}"] = round(per_s * 2 * wave + (flood * 20 * (600 - ago_s) if name == "bulk" else 0))
        waits = [chance.lognormvariate(math.log(wait_s * (1 + 30 * flood * (name == "bulk"))), 0.7) for _ in range(20)]
        sketches[f"queue.{name}.wait"] = Sketch.of(waits)
    gauges["queue.oldest_s"] = 3 + flood * (600 - ago_s) / 4
    return Delta(sketches, counters, {key: float(value) for key, value in gauges.items()})


def fill(*, now: datetime, backlog: bool = False) -> list[Job]:
    """Jobs in every state, as a page of a working installation has them."""
    home = make_workspace(name="production")
    kinds = ("process_messages", "process_text")
    users = ("mara", "u-4821", "u-1180", "u-2093", "u-0377")
    jobs = [
        make_done(
            home, now=now - timedelta(seconds=14 * i), kind=kinds[i % 5 == 4], user_id=users[i % 5], priority=i % 4
        )
        for i in range(22)
    ]
    jobs += [make_running(home, now=now, user_id=user) for user in users[:2]]
    jobs += [
        make_job(home, now=now - timedelta(seconds=2), user_id=user, priority=Priority.HIGH) for user in users[2:4]
    ]
    jobs.append(
        make_job(
            home,
            now=now,
            state=JobState.FAILED,
            attempts=2,
            user_id="u-9",
            error="ProviderTimeoutError: no answer within 5 s",
            available_at=now + timedelta(seconds=6),
            started_at=now - timedelta(seconds=4),
        )
    )
    errors = ("ProviderUnavailableError: the chat provider answered 503", "JobTimeoutError: over its limit of 5 s")
    jobs += [make_dead(home, now=now - timedelta(minutes=i), error=errors[i % 2], user_id=users[i]) for i in range(3)]
    if backlog:
        many = [
            Job(
                workspace=home,
                kind="process_text",
                user_id=f"u-{i % 80}",
                priority=Priority.BULK,
                available_at=now - timedelta(seconds=150 - i * 0.1),
            )
            for i in range(1284)
        ]
        Job.objects.bulk_create(many)
    return jobs
