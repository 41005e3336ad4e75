"""Memory's drills: background work, batches, a provider that breaks, the queue's rules, and the speed of reading."""

from __future__ import annotations

from functools import partial

from memory.errors import HoldfastError
from memory.health import sandbox
from memory.health.drills import background, batch, provider, queue, reading
from monitoring.health.drills import Spec, register


def register_all() -> None:
    """At the names by which the API has them."""
    of = partial(Spec, clean=sandbox.remove, spoken=(HoldfastError,))
    for spec in (
        of(
            name="background-processing-test",
            title="Background processing",
            about="Submits real jobs and a message, and waits for a worker to do them.",
            do=background.drill,
        ),
        of(
            name="batch-processing-test",
            title="Batch processing",
            about="Processes messages of many users alone and together, and compares effects and times.",
            do=batch.drill,
        ),
        of(
            name="circuit-breaker-test",
            title="Circuit breaker and fallback",
            about="Breaks a simulated provider under a breaker of its own, and reads a context all the while.",
            do=provider.drill,
            clean=provider.clean,
        ),
        of(
            name="queue-management-test",
            title="Queue management",
            about="Priorities, cancelling, retries, dead letters and bounds, with real rows.",
            do=queue.drill,
        ),
        of(
            name="performance-monitoring-test",
            title="Performance",
            about="Times contexts with and without the cache on a user with memories and a conversation.",
            do=reading.drill,
            method="GET",
        ),
    ):
        register(spec)
