"""Counts answered requests: in all, by operation, and by the class of a status that is not good."""

from __future__ import annotations

from monitoring.metrics.record import count, observe
from monitoring.tracing import slow
from monitoring.tracing.trace import Trace

OPERATION = "operation."


def answered(name: str, seconds: float, here: Trace, *, method: str, status: int) -> None:
    """Count one request; the slowest are kept with where their time went."""
    series = OPERATION + name
    observe("requests", seconds)
    observe(series, seconds)
    slow.offer(series, seconds, here, method=method, status=status)
    if status >= 400:
        count(f"{series}.status.{status // 100}xx")
        if status >= 500:
            count("requests.errors")
            count(f"{series}.errors")
