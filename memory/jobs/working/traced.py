"""What a worker does belongs to the trace of the request that asked for it."""

from __future__ import annotations

import logging
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from memory.jobs.working.claim import Claimed
from monitoring.queries import capture
from monitoring.tracing import slow, trace
from monitoring.tracing.trace import Trace

log = logging.getLogger(__name__)


@contextmanager
def step(jobs: Sequence[Claimed]) -> Iterator[Trace]:
    """The body does these jobs: in their trace, or in one of its own where they come from several."""
    carried = {job.trace for job in jobs}
    if len(carried) > 1 and log.isEnabledFor(logging.DEBUG):
        for job in jobs:
            log.debug("event=batched job=%s from=%s", job.id, job.trace.partition(" ")[0])
    name = f"job {'+'.join(sorted({job.kind for job in jobs}))}"
    job_id = str(jobs[0].id) if len(jobs) == 1 else ""
    with trace.continued(carried.pop() if len(carried) == 1 else "", job_id=job_id) as here, capture.watched(name):
        yield here


def keep(jobs: Sequence[Claimed], seconds: float, here: Trace, *, failed: Container[UUID]) -> None:
    """Offer them to the slowest of the minute, `seconds` each: of a batch the first of each kind, for all of them."""
    firsts = {job.kind: job for job in reversed(jobs)}
    for kind, job in firsts.items():
        with trace.continued(job.trace, job_id=str(job.id)) as theirs:
            theirs.parts = here.parts
            slow.offer(f"job.{kind}", seconds, theirs, is_failed=job.id in failed, share=1 / len(jobs))
