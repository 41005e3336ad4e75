"""What a provider's guard adds to a call, with its figures on and off: `python -m bench.guard`.

Against a provider that answers at once, so that nothing but the guard is measured: the median call of interleaved
rounds in one thread. Most of it is the rate's round trip to Redis.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings

from bench import ready as ready
from bench import server
from memory.providers.base import ProviderOpenError
from memory.providers.guard import Deadline, Guard, Reply, guard_of
from memory.providers.guard.measure import Measure
from monitoring import metrics
from monitoring.breakers import Policy

ROUNDS, CALLS = 40, 200
OFF_US = 1.0  # what the figures may cost a call when they are off
REFUSED_US = 1000.0  # what a refusal may take
REPLY = Reply("answer", 3, 1000, 200, 9000, 3000, "gpt-4o-mini")


@contextmanager
def figures(on: bool) -> Iterator[None]:
    """Metrics as HOLDFAST_METRICS sets them."""
    settings.HOLDFAST_METRICS = on
    (metrics.enable if on else metrics.disable)()
    yield
    settings.HOLDFAST_METRICS = True
    metrics.enable()


def ask(deadline: Deadline) -> Reply[str]:
    return REPLY


def measures() -> dict[str, tuple[bool, Callable[[], object]]]:
    """By name: whether figures are on, and the call."""
    guard, measure, deadline = guard_for("bench"), Measure("bench"), Deadline(3600)
    keys = itertools.count()
    shut = guard_for("bench-shut")
    shut.breaker.admit().trip("shut for the benchmark")

    def refused() -> None:
        try:
            shut.call(ask, operation="bench")
        except ProviderOpenError:
            return
        raise AssertionError("the breaker is not open")

    def call() -> None:
        guard.call(ask, operation="bench")

    def record() -> None:
        measure.ok(REPLY, 0.001)

    return {
        "the provider alone": (True, lambda: ask(deadline)),
        "guarded, figures on": (True, call),
        "guarded, figures off": (False, call),
        "guarded, with a key": (True, lambda: guard.call(ask, operation="bench", key=b"%d" % next(keys))),
        "refused, breaker open": (True, refused),
        "an answer's figures, on": (True, record),
        "an answer's figures, off": (False, record),
    }


def guard_for(name: str) -> Guard:
    return guard_of(name, title=name, policy=Policy(open_s=3600, open_limit_s=3600), rate_per_s=1e6)


def run(of: dict[str, tuple[bool, Callable[[], object]]]) -> dict[str, float]:
    """The median call of each in microseconds, rounds in turns."""
    took: dict[str, list[float]] = {name: [] for name in of}
    for _ in range(ROUNDS):
        for name, (on, call) in of.items():
            with figures(on):
                for _ in range(CALLS):
                    began = time.perf_counter()
                    call()
                    took[name].append(time.perf_counter() - began)
    return {name: sorted(times)[len(times) // 2] * 1e6 for name, times in took.items()}


def report(url: str) -> bool:
    """Print a row each; whether figures cost next to nothing when off, and a refusal is fast."""
    took = run(measures())
    floor = took["the provider alone"]
    print(f"{ROUNDS} interleaved rounds of {CALLS} calls in one thread, medians")
    for name, micros in took.items():
        print(f"  {name:26}{micros:9.2f} µs")
    off = took["an answer's figures, off"] - floor
    is_kept = off < OFF_US and took["refused, breaker open"] < REFUSED_US
    print(f"figures off cost {off:.2f} µs a call (< {OFF_US:g}), a refusal < 1 ms: {'kept' if is_kept else 'missed'}")
    return is_kept


def main() -> None:
    server.on_redis("bench.guard", report)


if __name__ == "__main__":
    main()
