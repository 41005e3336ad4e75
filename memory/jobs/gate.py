"""Refuses new work when too much waits: the least urgent first, what is critical never."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.conf import settings

from memory.errors import OverloadedError
from memory.jobs import figures
from memory.models import Priority
from monitoring import metrics

# of the limit: at so many open jobs, a level is refused
SHARES: Final = {Priority.BULK: 1.0, Priority.LOW: 1.5, Priority.NORMAL: 2.0, Priority.HIGH: 3.0}
LOOK_S: Final = 1.0
SHORTEST_S: Final = 1
LONGEST_S: Final = 60


@dataclass(slots=True)
class _Look:
    """What this process last counted, and until when (monotonic seconds) that is good enough."""

    open: int = 0
    until: float = 0.0
    drained_per_s: float | None = None
    rate_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_look = _Look()


def check(priority: Priority, *, now: datetime) -> None:
    """Raise OverloadedError, with the seconds after which it is worth asking again, when this level is refused now."""
    if priority not in SHARES:
        return
    most = int(settings.HOLDFAST_QUEUE_LIMIT * SHARES[priority])
    waiting = _open_jobs()
    if waiting < most:
        return
    level = priority.name.lower()
    metrics.count(f"queue.{level}.refused")
    raise OverloadedError(
        f"{waiting:,} jobs are open, and {level} work is refused from {most:,}. Ask again later, or as more urgent.",
        retry_after_s=retry_after_s(waiting - most + 1, _drained_per_s(now)),
    )


def retry_after_s(over: int, drained_per_s: float) -> int:
    """Whole seconds until `over` jobs are gone at that rate: 1 to 60, and 60 when none are."""
    if drained_per_s <= 0:
        return LONGEST_S
    return max(SHORTEST_S, min(LONGEST_S, math.ceil(over / drained_per_s)))


def forget() -> None:
    """Have the next check count anew."""
    _look.until = _look.rate_until = 0.0


def _open_jobs() -> int:
    """Open jobs as of a second ago, as far as it matters. One thread counts, the others go by the last count."""
    if time.monotonic() >= _look.until and _look.lock.acquire(blocking=False):
        try:
            most = int(settings.HOLDFAST_QUEUE_LIMIT * max(SHARES.values())) + 1
            _look.open = figures.open_jobs(at_most=most)
            _look.until = time.monotonic() + LOOK_S
        finally:
            _look.lock.release()
    return _look.open


def _drained_per_s(now: datetime) -> float:
    if _look.drained_per_s is None or time.monotonic() >= _look.rate_until:
        _look.drained_per_s = figures.done_per_s(now=now)
        _look.rate_until = time.monotonic() + LOOK_S
    return _look.drained_per_s
