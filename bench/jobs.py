"""What the queue costs: jobs without work end to end, submitting one, and what is urgent behind a backlog.

Part of `make bench-pipeline`. Workers are the product's: Celery, two processes, with the dispatcher.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.utils import timezone

from bench import client, server
from memory.jobs.delivery import hints
from memory.jobs.submit import submit, submit_many
from memory.models import Job, JobState, Priority, Workspace

BULK = 20_000  # jobs without work
SUBMITTING_S = 3.0
BACKLOG, SLEEP_MS = 1_500, 10  # of bulk jobs that take a while
URGENT, PAUSE_S = 40, 0.15
PATIENCE_S = 300


@contextmanager
def workers(processes: int = 2) -> Iterator[None]:
    """A Celery worker with its dispatcher, in a process group of its own."""
    how = ("-B", "-s", f"{os.environ['HOLDFAST_DIR']}/beat", "--concurrency", str(processes), "--loglevel", "ERROR")
    command = [sys.executable, "-m", "celery", "-A", "holdfast", "--quiet", "worker", *how]
    worker = subprocess.Popen(command, cwd=server.ROOT, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def report() -> None:
    key = server.manage("api_key", "create", "jobs")
    with server.web() as port:
        submitted = submissions(port, key)
    for connections, run in submitted.items():
        times = f"p50 {run.p50_ms:.2f} ms, p95 {run.p95_ms:.2f} ms"
        print(f"submitting over HTTP, {connections} at once: {run.per_second:,.0f}/s, {times}")
    for name, jobs_s in (("without a user", end_to_end(0)), ("of 2,000 users", end_to_end(2000))):
        print(f"jobs without work, {name}, end to end: {jobs_s:,.0f}/s ({BULK:,} jobs, a Celery worker of 2 processes)")
    for name, (p50, p95) in urgent_waits().items():
        print(f"a high-priority job waits, {name}: p50 {p50:.0f} ms, p95 {p95:.0f} ms")


def end_to_end(users: int) -> float:
    """Jobs without work a second, between the first tenth and the last, all submitted before the workers start."""
    Job.objects.all().delete()
    for start in range(0, BULK, 1000):
        pile("noop", {}, min(1000, BULK - start), Priority.NORMAL, users=users)
    with workers():
        first = _until(lambda: _done() >= BULK // 10)
        last = _until(lambda: _done() >= BULK - BULK // 10)
    return 0.8 * BULK / (last - first)


def submissions(port: int, key: str) -> dict[int, client.Run]:
    """Submitting a job over HTTP, by the number of connections that do it at once."""
    body = json.dumps({"kind": "noop", "payload": {}}).encode()
    asked = client.request("POST", "/api/v1/jobs", key=key, body=body)
    return {n: client.run(lambda _: asked, port=port, connections=n, seconds=SUBMITTING_S) for n in (1, 8)}


def urgent_waits() -> dict[str, tuple[float, float]]:
    """p50 and p95 in milliseconds from due to started, of high-priority jobs alone and behind a bulk backlog."""
    workspace = Workspace.objects.get()
    waits = {}
    for name, backlog in (("idle", 0), ("behind a bulk backlog", BACKLOG)):
        Job.objects.all().delete()
        for start in range(0, backlog, 1000):
            pile("drill", {"sleep_ms": SLEEP_MS}, min(1000, backlog - start), Priority.BULK)
        with workers():
            _until(lambda: not backlog or _done() > 20)  # noqa: B023 - read at once
            waits[name] = _ask_urgently(workspace)
    return waits


def pile(kind: str, payload: dict[str, int], jobs: int, priority: Priority, *, users: int = 0) -> None:
    """Submit that many jobs in one statement, of so many users in turns, or of none."""
    submit_many(
        kind=kind,
        workspace_id=Workspace.objects.get().pk,
        user_ids=[f"user-{number % users}" if users else "" for number in range(jobs)],
        payloads=[payload] * jobs,
        now=timezone.now(),
        priority=priority,
    )


def _ask_urgently(workspace: Workspace) -> tuple[float, float]:
    if not Job.objects.exists():
        pile("noop", {}, 1, Priority.NORMAL)  # until it is done the workers are still starting
        _until(lambda: _done() > 0)
    ids = []
    for _ in range(URGENT):
        now = timezone.now()
        priority = Priority.HIGH
        job = submit(kind="noop", workspace_id=workspace.pk, user_id="", payload={}, now=now, priority=priority)
        hints.wake(priority)
        ids.append(job.pk)
        time.sleep(PAUSE_S)
    mine = Job.objects.filter(pk__in=ids)
    _until(lambda: not mine.exclude(state=JobState.SUCCEEDED).exists())
    waited = [
        (start - due).total_seconds() * 1000 for start, due in mine.values_list("started_at", "available_at") if start
    ]
    return quantile(waited, 0.5), quantile(waited, 0.95)


def quantile(values: list[float], q: float) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[round(q * 100) - 1]


def _done() -> int:
    return Job.objects.filter(state=JobState.SUCCEEDED).count()


def _until(so: Callable[[], bool]) -> float:
    """When it was so, on the monotonic clock."""
    deadline = time.monotonic() + PATIENCE_S
    while not so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not done within {PATIENCE_S} s; {_done()} jobs are")
        time.sleep(0.01)
    return time.monotonic()
