"""One worker's shift: claim, work, and claim again, until nothing is due or it is time to let others go first."""

from __future__ import annotations

import itertools
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from django.conf import settings

from flags import cohorts, rollout
from memory import catalogue
from memory.jobs import kinds
from memory.jobs.delivery import hints
from memory.jobs.working import finish, traced, users
from memory.jobs.working.batch_size import BatchSize
from memory.jobs.working.claim import RESERVED, Claim, Claimed, claim
from memory.jobs.working.run import run, time_limit, told
from memory.jobs.working.users import Admitted
from monitoring import metrics
from monitoring.tracing.trace import Trace

log = logging.getLogger(__name__)

BATCH_LIMIT_S: Final = 10.0  # of a batch of many users; one user's jobs have their kinds' limit
_turns = itertools.count(1)

Process = Callable[[uuid.UUID, Sequence[Claimed], datetime], Mapping[uuid.UUID, str]]
"""Does jobs of many users and finishes them; returns job id → error of those that failed."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How one process works: what does batches, how long, and by which clock.

    `length_s` is how long new work is claimed, `latest_s` by when all of it has to be done; both from `began`,
    in seconds of the monotonic clock.
    """

    process: Process
    clock: Callable[[], datetime]
    size: BatchSize
    lease: timedelta
    length_s: float
    latest_s: float
    began: float

    def work(self) -> int:
        """Work until nothing is due or the time is over, then have another shift follow. How many jobs it claimed."""
        claimed = 0
        while taken := self._claim():
            claimed += len(taken.jobs)
            if taken.is_full:
                hints.wake(taken.jobs[0].priority)  # there is work for another one, who need not wait for us
            began = time.perf_counter()
            self._do(taken)
            self.size.took(len(taken.jobs), time.perf_counter() - began)
            if time.monotonic() - self.began > self.length_s:
                hints.wake(taken.jobs[0].priority)
                break
        return claimed

    def _claim(self) -> Claim | None:
        limit = self.size.size
        # a claim too small to reserve a place for the less urgent levels goes to them now and then as a whole
        low_first = limit < RESERVED and next(_turns) % RESERVED == 0
        return claim(now=self.clock(), lease=self.lease, limit=limit, low_first=low_first)

    def _do(self, taken: Claim) -> None:
        admitted = users.admit([job for job in taken.jobs if kinds.is_batch(job.kind)])
        for wait, ids in admitted.refused.items():
            now = self.clock()
            finish.postpone(taken.token, ids, until=now + wait, now=now, why="The breaker of this user is open.")
        try:
            self._do_batches(taken.token, admitted)
        finally:
            admitted.release()
        rest = [job for job in taken.jobs if not kinds.is_batch(job.kind)]
        run(taken.token, rest, clock=self.clock, fits=self._fits)

    def _do_batches(self, token: uuid.UUID, admitted: Admitted) -> None:
        together: list[Claimed] = []
        alone: list[list[Claimed]] = []
        for theirs in users.by_user(admitted.jobs):
            if _is_batched(theirs[0]):
                together += theirs
            else:
                alone.append(theirs)
        if together:
            self._many_users(token, together, admitted)
        for theirs in alone:
            self._one_user(token, theirs, admitted, is_batched=False)

    def _many_users(self, token: uuid.UUID, jobs: Sequence[Claimed], admitted: Admitted) -> None:
        """Do many users' jobs at once; when the whole of it fails, each user's alone."""
        began = time.perf_counter()
        try:
            with traced.step(jobs) as here, time_limit(BATCH_LIMIT_S):
                errors = self.process(token, jobs, self.clock())
        except Exception as problem:  # noqa: BLE001 - whatever went wrong: it is one user's, and the others go on
            log.warning("event=batch_failed jobs=%d error=%s", len(jobs), type(problem).__name__)
            for theirs in users.by_user(jobs):
                self._one_user(token, theirs, admitted, is_batched=True)
            return
        metrics.count("batch.count")
        self._ended(token, jobs, errors, admitted)
        _measure("batch", jobs, errors, time.perf_counter() - began, here)
        _compare(jobs, errors, time.perf_counter() - began, is_batched=True)

    def _one_user(self, token: uuid.UUID, jobs: Sequence[Claimed], admitted: Admitted, *, is_batched: bool) -> None:
        """Do one user's jobs. `is_batched` is what the flag said, even where the batch came to nothing."""
        limit_s = max(kinds.kind_of(job.kind).time_limit_s for job in jobs)
        if not self._fits(limit_s):
            finish.postpone(token, [job.id for job in jobs], until=self.clock(), now=self.clock(), why="")
            return
        began = time.perf_counter()
        with traced.step(jobs) as here:
            try:
                with time_limit(limit_s):
                    errors = self.process(token, jobs, self.clock())
            except finish.LostLeaseError:
                log.warning("event=lease_lost claim=%s jobs=%d", token, len(jobs))
                return
            except Exception as problem:  # noqa: BLE001 - the edge of the job: whatever went wrong is its outcome
                errors = dict.fromkeys((job.id for job in jobs), told(problem))
            self._ended(token, jobs, errors, admitted)
        _measure("batch.single", jobs, errors, time.perf_counter() - began, here)
        _compare(jobs, errors, time.perf_counter() - began, is_batched=is_batched)

    def _ended(
        self, token: uuid.UUID, jobs: Sequence[Claimed], errors: Mapping[uuid.UUID, str], admitted: Admitted
    ) -> None:
        admitted.settle(jobs, errors)
        if errors:
            log.error("event=jobs_failed claim=%s jobs=%d", token, len(errors))
            finish.fail(token, errors, now=self.clock())

    def _fits(self, seconds: float) -> bool:
        """Whether a run of that length ends before the shift must. The first one of a shift always may begin."""
        passed_s = time.monotonic() - self.began
        return passed_s < self.length_s / 2 or passed_s + seconds < self.latest_s


def start(process: Process, *, clock: Callable[[], datetime]) -> Shift:
    """A shift by the settings, that begins now."""
    limit_s = settings.CELERY_TASK_SOFT_TIME_LIMIT
    lease = timedelta(seconds=settings.HOLDFAST_JOB_LEASE_S)
    return Shift(process, clock, _size(), lease, limit_s / 3, limit_s, time.monotonic())


def _measure(series: str, jobs: Sequence[Claimed], errors: Mapping[uuid.UUID, str], took_s: float, here: Trace) -> None:
    """Count a batch's items, and what each of them took of its time."""
    metrics.count(f"{series}.items", len(jobs))
    traced.keep(jobs, took_s / len(jobs), here, failed=errors)
    for job in jobs:
        metrics.observe(f"{series}.item", took_s / len(jobs))
        metrics.observe(f"job.{job.kind}", took_s / len(jobs))


def _is_batched(job: Claimed) -> bool:
    return rollout.is_on(catalogue.BATCH_PROCESSING.name, job.user_id, workspace=str(job.workspace_id))


def _compare(jobs: Sequence[Claimed], errors: Mapping[uuid.UUID, str], took_s: float, *, is_batched: bool) -> None:
    """Tell the cohorts of processing's flags what each user's part of the time was, and whether it failed."""
    for theirs in users.by_user(jobs):
        workspace_id, user_id = theirs[0].workspace_id, theirs[0].user_id
        asked = {
            catalogue.BATCH_PROCESSING.name: is_batched,
            catalogue.REAL_TIME_DEDUP.name: catalogue.compares(workspace_id, user_id),
        }
        seconds, has_failed = took_s * len(theirs) / len(jobs), any(job.id in errors for job in theirs)
        for flag, is_on in asked.items():
            cohorts.outcome(flag, user_id, is_on, seconds, has_failed, workspace=str(workspace_id))


@cache
def _size() -> BatchSize:
    """This process's, which learns from one shift to the next."""
    return BatchSize(settings.HOLDFAST_BATCH_JOBS, settings.HOLDFAST_BATCH_TARGET_MS / 1000)
