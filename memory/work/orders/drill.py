"""Jobs that only exercise the queue: one that does nothing, and one that takes as long and fails as often as asked."""

from __future__ import annotations

import time

from memory.errors import HoldfastError
from memory.jobs.kinds import Done, Work, job_kind
from memory.models import Scope
from memory.work.payloads import Drill, Noop


@job_kind("noop", Noop, title="Do nothing", scope=Scope.WRITE, needs_user=False)
def noop(work: Work[Noop]) -> Done:
    return Done()


@job_kind(
    "drill", Drill, title="Exercise the queue", scope=Scope.WRITE, needs_user=False, time_limit_s=21.0, attempts=101
)
def drill(work: Work[Drill]) -> Done:
    """Take the time, then fail on the first `fail_times` attempts. Raises HoldfastError then."""
    time.sleep(work.payload.sleep_ms / 1000)
    if work.attempt <= work.payload.fail_times:
        raise HoldfastError(f"The drill fails {work.payload.fail_times} times; this was attempt {work.attempt}.")
    return Done({"attempts": work.attempt})
