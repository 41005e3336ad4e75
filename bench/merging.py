"""What a process pays each second to send its figures, and the aggregator to merge and store those of sixteen.

Part of `bench.monitoring`. A process-second has fifteen latency series of forty observations, and thirty-five scalars.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Final

import redis
from django.conf import settings
from django.utils import timezone

from monitoring import export
from monitoring.export import Format
from monitoring.metrics import snapshot
from monitoring.metrics.aggregate import Aggregator
from monitoring.metrics.blob import KEY, Blob
from monitoring.metrics.record import Delta
from monitoring.metrics.sketch import Sketch, merged
from monitoring.metrics.store.retain import make_partitions
from monitoring.metrics.store.rollup import roll_up

PROCESSES, LATENCIES, SCALARS, OBSERVED = 16, 15, 35, 40
TICKS: Final = 40
TIMES: Final = 200


def measure(*, now: int) -> Iterator[tuple[str, list[float]]]:
    """Seconds of each step, sorted, on an empty database."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    make_partitions(now=now)
    blobs = _second(now, 1)
    yield "pack a process-second", _timed(blobs[0].pack)
    packed = blobs[0].pack()
    yield "push it to Redis", _timed(lambda: _push(client, [packed]))
    client.delete(KEY)
    yield f"merge the sketches of {PROCESSES} processes", _timed(lambda: _merge(blobs))
    aggregator = Aggregator(client, polled_at=now + 10**6, kept_at=now)
    took = []
    for tick in range(TICKS):
        _push(client, [blob.pack() for blob in _second(now + tick, tick + 2)])
        began = time.perf_counter()
        aggregator.store_all(now + tick + 1)
        took.append(time.perf_counter() - began)
    yield f"store a second of {PROCESSES} processes", sorted(took)
    yield "seal a minute", _timed(lambda: roll_up(now=now + TICKS, again=[now - now % 60]), 10)
    end = now + TICKS
    yield "make and publish the snapshot", _timed(lambda: snapshot.publish(snapshot.take(now=end), client), 20)


def scrapes() -> Iterator[tuple[str, list[float]]]:
    """Seconds of a scrape that nobody has asked for in the last second, by format."""
    for format in Format:

        def anew(format: Format = format) -> None:
            export.forget()
            export.scrape(format, now=timezone.now())

        yield f"scrape, {format.name.lower()}", _timed(anew, 20)


def _second(second: int, sequence: int) -> list[Blob]:
    chance = random.Random(sequence)
    return [Blob(f"bench:{n}:x", sequence, second, _delta(chance)) for n in range(PROCESSES)]


def _delta(chance: random.Random) -> Delta:
    sketches = {
        f"operation.bench_{n}": Sketch.of(chance.lognormvariate(-5, 0.9) for _ in range(OBSERVED))
        for n in range(LATENCIES)
    }
    scalars = {f"bench.counter_{n}": float(n) for n in range(SCALARS - 10)}
    return Delta(sketches, scalars, {f"bench.gauge_{n}": float(n) for n in range(10)})


def _merge(blobs: list[Blob]) -> None:
    for name in blobs[0].delta.latencies:
        merged(blob.delta.latencies[name] for blob in blobs)


def _push(client: redis.Redis, packed: list[bytes]) -> None:
    with client.pipeline(transaction=True) as pipe:
        pipe.rpush(KEY, *packed)
        pipe.ltrim(KEY, -10_000, -1)
        pipe.execute()


def _timed(call: Callable[[], object], times: int = TIMES) -> list[float]:
    call()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return sorted(took)
