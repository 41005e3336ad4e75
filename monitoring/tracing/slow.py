"""The slowest requests and jobs of each minute, with where their time went: kept here until the next flush."""

from __future__ import annotations

import heapq
import os
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

from monitoring.tracing import parts
from monitoring.tracing.trace import Trace

A_MINUTE: Final = 10  # kept in all, over all processes
OF_OPERATION: Final = 3  # of these
OPERATIONS: Final = 200  # that one process tells apart in a minute
MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True)
class Slow:
    """One request, or one job (no method, no status). `at` is the epoch second at which it ended."""

    operation: str
    seconds: float
    at: float
    trace_id: str
    request_id: str = ""
    job_id: str = ""
    method: str = ""
    status: int = 0
    is_failed: bool = False
    parts: dict[str, tuple[float, int]] = field(default_factory=dict)

    def packed(self) -> tuple[Any, ...]:
        names = ("operation", "seconds", "at", "trace_id", "request_id", "job_id", "method", "status", "is_failed")
        return (*(getattr(self, name) for name in names), self.parts)

    @classmethod
    def unpacked(cls, packed: list[Any]) -> Slow:
        """Raises TypeError or ValueError for anything that `packed` did not make."""
        operation, seconds, at, trace_id, request_id, job_id, method, status, is_failed, spent = packed
        if not isinstance(spent, dict):
            raise TypeError(f"the parts of a slow request are an object, got {spent!r}")
        parts = {str(part): (float(s), int(n)) for part, (s, n) in spent.items()}
        ids = (str(trace_id), str(request_id), str(job_id))
        found = cls(operation, seconds, float(at), *ids, str(method), int(status), bool(is_failed), parts)
        if not isinstance(found.seconds, float) or not isinstance(found.operation, str):
            raise TypeError("a slow request has an operation and its seconds")
        return found


class _Minute:
    """What this process met in one minute: by operation the slowest durations, and what is not sent yet."""

    def __init__(self, number: int = 0) -> None:
        self.number = number
        self.slowest: dict[str, list[float]] = {}
        self.least: dict[str, float] = {}  # of an operation whose list is full: what another has to exceed


class _Kept:
    """Of this process, replaced whole in a forked child."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.minute = _Minute()
        self.waiting: list[Slow] = []


_kept = _Kept()


def offer(
    operation: str,
    seconds: float,
    trace: Trace,
    *,
    method: str = "",
    status: int = 0,
    is_failed: bool = False,
    share: float = 1.0,
) -> None:
    """Keep it when it is among the slowest of its operation in this minute. `share` of its trace's parts is its own."""
    now = time.time()
    minute = _kept.minute
    if minute.number == now // MINUTE_S and seconds <= minute.least.get(operation, 0.0):
        return
    with _kept.lock:
        if not _is_among(operation, seconds, int(now // MINUTE_S)):
            return
        spent = {name: (s * share, n) for name, (s, n) in trace.parts.items()}
        ids = (trace.trace_id, trace.request_id, trace.job_id)
        has_failed = is_failed or status >= 500
        found = Slow(operation, seconds, now, *ids, method, status, has_failed, parts.split(spent, seconds))
        _kept.waiting.append(found)
        if len(_kept.waiting) > OPERATIONS:  # nobody takes them: the slowest stay
            _kept.waiting = heapq.nlargest(OPERATIONS // 2, _kept.waiting, key=lambda slow: slow.seconds)


def drain() -> list[Slow]:
    """Take what is new since the last call, the slowest first: at most as many as a minute keeps of each operation."""
    with _kept.lock:
        waiting, _kept.waiting = _kept.waiting, []
    return chosen(waiting)


def chosen(met: list[Slow]) -> list[Slow]:
    """The slowest of those that ended in one minute: at most so many in all, and of each operation."""
    taken: dict[str, int] = {}
    found = []
    for slow in sorted(met, key=lambda slow: -slow.seconds):
        of_operation = taken[slow.operation] = taken.get(slow.operation, 0) + 1
        if of_operation <= OF_OPERATION:
            found.append(slow)
    return found[:A_MINUTE]


def _is_among(operation: str, seconds: float, number: int) -> bool:
    """Whether it is one of the slowest so far, counting it in. Under the lock."""
    if _kept.minute.number != number:
        _kept.minute = _Minute(number)
    minute = _kept.minute
    if operation not in minute.slowest and len(minute.slowest) >= OPERATIONS:
        return False
    slowest = minute.slowest.setdefault(operation, [])
    if len(slowest) < OF_OPERATION:
        heapq.heappush(slowest, seconds)
    elif seconds > slowest[0]:
        heapq.heapreplace(slowest, seconds)
    else:
        return False
    if len(slowest) == OF_OPERATION:
        minute.least[operation] = slowest[0]
    return True


def _after_fork_in_child() -> None:
    global _kept
    _kept = _Kept()


os.register_at_fork(after_in_child=_after_fork_in_child)
