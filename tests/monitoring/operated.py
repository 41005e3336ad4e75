"""Two hours of every kind of operation, with a spell in which one of them is slow, and the slowest calls of it."""

from __future__ import annotations

import math
import random
from datetime import datetime
from typing import Final

from monitoring.metrics.blob import Blob
from monitoring.metrics.record import Delta
from monitoring.metrics.sketch import Sketch
from monitoring.metrics.store.retain import make_partitions
from monitoring.metrics.store.rollup import roll_up
from monitoring.metrics.store.write import write
from monitoring.tracing.parts import split
from monitoring.tracing.slow import Slow
from tests.monitoring.recorded import publish

HOUR_S: Final = 3600
EVERY_S: Final = 180  # fewer than a chart has steps, for tests that need figures and no picture
SLOWED: Final = "operation.assemble_context"
# median in seconds, calls a second, share that fails
OPERATIONS: Final = {
    SLOWED: (0.011, 42.0, 0.002),
    "operation.append_messages": (0.019, 18.0, 0.0),
    "operation.search_memories": (0.024, 6.0, 0.001),
    "operation.memories.get": (0.008, 3.0, 0.0),
    "operation.memories.post": (0.014, 1.2, 0.012),
    "operation.latency": (0.061, 0.2, 0.0),
    "job.process_messages": (0.038, 9.0, 0.004),
    "job.export_memories": (1.4, 0.02, 0.0),
    "provider.embedding": (0.11, 4.0, 0.006),
    "provider.chat": (0.72, 1.1, 0.031),
    "database.queries": (0.0009, 310.0, 0.0),
}


def record_operations(*, now: datetime, every_s: int = EVERY_S) -> None:
    moment = int(now.timestamp())
    for hours in (0, 2):
        make_partitions(now=moment - hours * HOUR_S)
    chance = random.Random(11)
    seconds = range(moment - 2 * HOUR_S, moment - 4, every_s)
    blobs = [
        Blob("web:1:a", n + 1, second, _delta(chance, moment - second, every_s)) for n, second in enumerate(seconds)
    ]
    slow = [_slow(chance, moment - 1080.0 - 60 * n, 0.9 / (1 + n)) for n in range(10)]
    blobs += [Blob("web:1:a", len(blobs) + 1 + n, moment, slow=[each]) for n, each in enumerate(slow)]
    roll_up(now=moment, again=write(blobs, now=moment).late_minutes)
    publish(now=now)


def _delta(chance: random.Random, ago_s: int, every_s: int) -> Delta:
    slow = math.exp(-(((ago_s - 1320) / 240) ** 2))
    latencies, counters = {}, {}
    for name, (median, rate, failing) in OPERATIONS.items():
        by = 1 + (2.4 * slow if name in {SLOWED, "provider.chat"} else 0)
        calls = max(1, round(rate * every_s * chance.uniform(0.9, 1.1)))
        some = [chance.lognormvariate(math.log(median * by), 0.55) for _ in range(min(calls, 60))]
        sketch = Sketch.of(some)
        more = max(1, calls // len(some))
        latencies[name] = Sketch({bucket: n * more for bucket, n in sketch.buckets.items()}, sketch.seconds * more)
        ending = "failed" if name.startswith("provider.") else "errors"
        counters[f"{name}.{ending}"] = calls * failing * (1 + 12 * slow) * chance.uniform(0.6, 1.4)
    return Delta(latencies, counters, {})


def _slow(chance: random.Random, at: float, seconds: float) -> Slow:
    shares = {"database": 0.55, "cache": 0.04, "provider": 0.2 if seconds > 0.3 else 0.0}
    spent = {
        name: (seconds * share * chance.uniform(0.7, 1.1), 1 + round(20 * share))
        for name, share in shares.items()
        if share
    }
    ids = (f"{chance.getrandbits(128):032x}", f"{chance.getrandbits(64):016x}")
    status = 503 if seconds > 0.4 else 200
    return Slow(
        SLOWED, seconds, at, *ids, method="POST", status=status, is_failed=status == 503, parts=split(spent, seconds)
    )
