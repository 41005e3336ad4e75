"""Runs jobs by the handlers of their kinds: within the time limit, effects and end in one commit."""

from __future__ import annotations

import logging
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import FrameType
from typing import Any, Final

from django.db import connection, transaction
from psycopg.pq import TransactionStatus

from memory.errors import HoldfastError
from memory.jobs import kinds
from memory.jobs.kinds import Again, Done, Work
from memory.jobs.submit import validated
from memory.jobs.working import finish, traced
from memory.jobs.working.claim import Claimed
from monitoring import metrics

log = logging.getLogger(__name__)

GATHERED_S: Final = 0.1  # results without effects of their own wait so long for others to be written with


Fits = Callable[[float], bool]


def _always(seconds: float) -> bool:
    return True


class JobTimeoutError(Exception):
    """A run took longer than its kind may."""


@dataclass(slots=True)
class _Gathered:
    """Jobs that are done and have nothing to write but that: many end in one statement."""

    token: uuid.UUID
    clock: Callable[[], datetime]
    results: dict[uuid.UUID, dict[str, Any] | None] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)

    def add(self, id: uuid.UUID, result: dict[str, Any]) -> None:
        self.results[id] = result or None
        if time.monotonic() - self.since > GATHERED_S:
            self.write()

    def write(self) -> None:
        """End them; where the lease on one is lost, the others each alone."""
        results, self.results, self.since = self.results, {}, time.monotonic()
        if not results:
            return
        try:
            finish.succeed(self.token, results, now=self.clock())
        except finish.LostLeaseError:
            for id, result in results.items():
                _succeed_alone(self.token, id, result, self.clock())


def run(token: uuid.UUID, jobs: Sequence[Claimed], *, clock: Callable[[], datetime], fits: Fits = _always) -> None:
    """Run each job of a claim and write down what came of it. One that fails fails alone.

    `fits(seconds)` says whether there is time for a run of that length; jobs for which there is none wait again.
    """
    gathered = _Gathered(token, clock)
    errors: dict[uuid.UUID, str] = {}
    left: list[uuid.UUID] = []
    with _alarms():
        for job in jobs:
            if not fits(_length_s(job)):
                left.append(job.id)
            elif error := _tried(token, job, gathered, clock):
                errors[job.id] = error
    gathered.write()
    if errors:
        finish.fail(token, errors, now=clock())
    if left:
        finish.postpone(token, left, until=clock(), now=clock(), why="")


def told(problem: BaseException) -> str:
    """An error in one line: PostgreSQL's second one quotes values, which may be what somebody said."""
    return (f"{type(problem).__name__}: {problem}".splitlines() or [type(problem).__name__])[0]


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise JobTimeoutError in the body when it takes longer. Only the main thread can be interrupted."""
    with _alarms(), _timer(seconds):
        yield


@contextmanager
def _alarms() -> Iterator[None]:
    """Have the timer of the body raise JobTimeoutError; setting it up costs more than a job without work."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)


def _stop(signum: int, frame: FrameType | None) -> None:
    raise JobTimeoutError("took longer than its kind may")


@contextmanager
def _timer(seconds: float) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except JobTimeoutError:
        _drop_busy_connection()
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _drop_busy_connection() -> None:
    """Close the connection when the timer interrupted a statement on it: it waits for an answer that nobody reads."""
    raw = connection.connection
    if raw is not None and raw.info.transaction_status == TransactionStatus.ACTIVE:
        connection.close()


def _length_s(job: Claimed) -> float:
    """How long a run may take, in seconds; 0 for a kind that is not known, whose run only says so."""
    return kinds.kind_of(job.kind).time_limit_s if kinds.is_known(job.kind) else 0.0


def _tried(token: uuid.UUID, job: Claimed, gathered: _Gathered, clock: Callable[[], datetime]) -> str | None:
    """Run one job; what went wrong, if anything did."""
    began = time.perf_counter()
    error = None
    with traced.step([job]) as here:
        try:
            _run_one(token, job, gathered, clock)
        except finish.LostLeaseError:
            log.warning("event=lease_lost job=%s kind=%s", job.id, job.kind)
        except Exception as problem:  # noqa: BLE001 - the edge of the job: whatever went wrong is its outcome
            log.error("event=job_failed job=%s kind=%s error=%s", job.id, job.kind, type(problem).__name__)
            error = told(problem)
        finally:
            took_s = time.perf_counter() - began
            metrics.observe(f"job.{job.kind}", took_s)
            traced.keep([job], took_s, here, failed=(job.id,) if error else ())
    return error


def _run_one(token: uuid.UUID, job: Claimed, gathered: _Gathered, clock: Callable[[], datetime]) -> None:
    kind = kinds.kind_of(job.kind)
    if kind.handle is None:
        raise HoldfastError(f"Jobs of kind {job.kind} are done in batches.")
    payload = validated(kind, job.payload)
    now = clock()
    work = Work(job.id, job.workspace_id, job.user_id, payload, job.attempts, now, job.result)
    with _timer(kind.time_limit_s):
        outcome = kind.handle(work)
        has_effects = isinstance(outcome, Again) or outcome.write is not kinds.nothing
        if has_effects:
            with transaction.atomic():
                outcome.write()
                _finish(token, job.id, outcome, clock())
    if not has_effects:
        gathered.add(job.id, outcome.result)


def _finish(token: uuid.UUID, id: uuid.UUID, outcome: Done | Again, now: datetime) -> None:
    if isinstance(outcome, Done):
        finish.succeed(token, {id: outcome.result}, now=now)
        return
    available_at = now + outcome.after
    finish.again(token, id, payload=outcome.payload, result=outcome.result, available_at=available_at, now=now)


def _succeed_alone(token: uuid.UUID, id: uuid.UUID, result: dict[str, Any] | None, now: datetime) -> None:
    try:
        finish.succeed(token, {id: result}, now=now)
    except finish.LostLeaseError:
        log.warning("event=lease_lost job=%s", id)
