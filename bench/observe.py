"""What one `observe` costs, against an empty call of the same signature, in one run: `python -m bench.observe`.

CPU time of the fastest of many short runs, because a shared machine only ever adds to it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

from django.conf import settings

from monitoring.metrics import count, disable, observe, record, timed

CALLS = 20_000
RUNS = 60
DURATIONS = [0.001 * 1.07**n for n in range(100)]


def empty(name: str, seconds: float) -> None:
    """The floor: a call that does nothing."""


def in_context(name: str, seconds: float) -> None:
    with timed(name):
        pass


def nanoseconds(call: Callable[[str, float], None]) -> float:
    """Per call, its loop included."""
    best = min(_run(call) for _ in range(RUNS))
    return best / CALLS * 1e9


def _run(call: Callable[[str, float], None]) -> float:
    durations = DURATIONS * (CALLS // len(DURATIONS))
    began = time.process_time()
    for seconds in durations:
        call("operation.context", seconds)
    return time.process_time() - began


def measures() -> Iterator[tuple[str, float]]:
    yield "empty call", nanoseconds(empty)
    yield "observe", nanoseconds(observe)
    yield "count", nanoseconds(lambda name, seconds: count("messages.posted", 1))
    yield "timed", nanoseconds(in_context)
    disable()
    yield "observe, off", nanoseconds(observe)


def main() -> None:
    if not settings.configured:
        settings.configure()
    record._on_first.clear()  # no flusher: only recording is measured
    figures = dict(measures())
    floor = figures["empty call"]
    for name, cost in figures.items():
        print(f"{name:<14} {cost:7.0f} ns  {cost / floor:5.1f} x empty")
    sys.exit(figures["observe"] > 1_000)


if __name__ == "__main__":
    main()
