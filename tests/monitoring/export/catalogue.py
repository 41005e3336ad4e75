"""Every series that Holdfast itself records, by kind: what an export of all of it must show."""

from __future__ import annotations

from memory import caching
from memory.models import Priority
from memory.providers.guard.measure import Measure
from monitoring.breakers import Policy, register
from monitoring.export.collect import collect
from monitoring.export.family import Family
from monitoring.metrics import snapshot
from monitoring.metrics.store.retain import make_partitions
from monitoring.metrics.store.write import write
from tests.monitoring.blobs import NOON, client, make_blob, moment

QUEUES = tuple(f"queue.{level.name.lower()}" for level in Priority)
CACHES = tuple(f"cache.{name}" for name in caching.CACHES)
PROVIDERS = ("embed", "openai-embedding", "openai-chat", "mcp")
BREAKERS = tuple(f"breaker.provider.{name}" for name in PROVIDERS)
OPERATIONS = ("assemble_context", "append_messages", "list_memories.get")
KINDS = ("process_messages", "process_text")

LATENCIES = (
    *("requests", "batch.item", "batch.single.item", "database.queries"),
    *(f"operation.{name}" for name in OPERATIONS),
    *(f"job.{kind}" for kind in KINDS),
    *(f"{queue}.wait" for queue in QUEUES),
    *(f"{cache}.get" for cache in CACHES),
    *(f"provider.{name}" for name in PROVIDERS),
)
COUNTERS = (
    *("requests.errors", "messages.posted", "metrics.dropped", "metrics.gauge_errors", "hints.sent", "hints.errors"),
    *("batch.count", "batch.items", "batch.single.items", "batch.splits", "jobs.retried", "database.errors"),
    *(f"operation.{name}.errors" for name in OPERATIONS),
    *(f"operation.{name}.status.{status}" for name in OPERATIONS for status in ("4xx", "5xx")),
    *(f"job.{kind}.errors" for kind in KINDS),
    *(f"{queue}.{event}" for queue in QUEUES for event in ("in", "out", "failed", "dead", "refused")),
    *(
        f"{cache}.{what}"
        for cache in CACHES
        for what in ("hits", "misses", "stale", "errors", "evictions", "bytes_raw", "bytes_stored", "oversized")
    ),
    *(f"provider.{name}.{counter}" for name in PROVIDERS for counter in Measure.COUNTERS),
    *(f"{name}.{what}" for name in BREAKERS for what in ("ok", "failed", "slow", "rejected", "opened", "closed")),
)
GAUGES = (
    *("queue.oldest_s", "queue.dead", "memories.active", "database.connections", "database.waiting"),
    *(f"{queue}{end}" for queue in QUEUES for end in ("", ".running", ".oldest_s")),
)


def exported() -> list[Family]:
    """What is exported after one process has recorded all of it: each counter at 2, each latency twice, gauges at 3."""
    make_partitions(now=NOON)
    blob = make_blob(
        NOON - 4,
        latencies={name: (0.02, 0.4) for name in LATENCIES},
        counters=dict.fromkeys(COUNTERS, 2),
        gauges=dict.fromkeys(GAUGES, 3),
    )
    write([blob], now=NOON)
    snapshot.publish(snapshot.take(now=NOON), client())
    register("provider.mcp", title="MCP", policy=Policy())
    return collect(now=moment(NOON + 1))
