"""What one `observe` costs beside an empty call, ddsketch and prometheus_client: `python -m bench.observe`.

CPU time of the fastest of many short runs, because a shared machine only ever adds to it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator

from ddsketch import DDSketch
from django.conf import settings
from prometheus_client import CollectorRegistry, Histogram

from monitoring.metrics import count, disable, observe, record, timed

CALLS = 20_000
RUNS = 60
DURATIONS = [0.001 * 1.07**n for n in range(100)]


def empty(name: str, seconds: float) -> None:
    """The floor: a call that does nothing."""


def in_context(name: str, seconds: float) -> None:
    with timed(name):
        pass


def nanoseconds(call: Callable[..., object], run: Callable[[Callable[..., object]], float] | None = None) -> float:
    """Per call, its loop included."""
    best = min((run or _run)(call) for _ in range(RUNS))
    return best / CALLS * 1e9


def _run(call: Callable[..., object]) -> float:
    durations = DURATIONS * (CALLS // len(DURATIONS))
    began = time.process_time()
    for seconds in durations:
        call("operation.context", seconds)
    return time.process_time() - began


def _run_alone(call: Callable[..., object]) -> float:
    """As `_run`, for what is one series and takes no name."""
    durations = DURATIONS * (CALLS // len(DURATIONS))
    began = time.process_time()
    for seconds in durations:
        call(seconds)
    return time.process_time() - began


def measures() -> Iterator[tuple[str, float]]:
    yield "empty call", nanoseconds(empty)
    yield "observe", nanoseconds(observe)
    yield "count", nanoseconds(lambda name, seconds: count("messages.posted", 1))
    yield "timed", nanoseconds(in_context)
    sketch = DDSketch(0.0108)
    yield "ddsketch", nanoseconds(sketch.add, _run_alone)
    plain = Histogram("plain", "One series.", registry=CollectorRegistry())
    yield "prometheus", nanoseconds(plain.observe, _run_alone)
    labelled = Histogram("labelled", "A series by label, as ours is by name.", ["name"], registry=CollectorRegistry())
    yield "labelled", nanoseconds(lambda name, seconds: labelled.labels(name).observe(seconds))
    disable()
    yield "observe, off", nanoseconds(observe)


def figures() -> dict[str, float]:
    """All of them; for a process that does nothing else, since recording is off afterwards."""
    if not settings.configured:
        settings.configure()
    record._on_first.clear()  # no flusher: only recording is measured
    return dict(measures())


def main() -> None:
    figures_ns = figures()
    floor = figures_ns["empty call"]
    if sys.argv[1:] == ["--json"]:
        print(json.dumps(figures_ns))
        return
    for name, cost in figures_ns.items():
        print(f"{name:<14} {cost:7.0f} ns  {cost / floor:5.1f} x empty")
    sys.exit(figures_ns["observe"] > 1_000)


if __name__ == "__main__":
    main()
