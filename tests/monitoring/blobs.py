"""Blobs and what the aggregator makes of them, for tests of the tiers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import redis
from django.conf import settings

from monitoring.metrics.aggregate import Aggregator
from monitoring.metrics.blob import KEY, Blob
from monitoring.metrics.record import Delta
from monitoring.metrics.sketch import Sketch

NOON = int(datetime(2026, 3, 5, 12, tzinfo=UTC).timestamp())


def moment(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def make_blob(
    second: int,
    sequence: int = 1,
    *,
    process: str = "host:1:test",
    latencies: Mapping[str, Iterable[float]] | None = None,
    counters: Mapping[str, float] | None = None,
    gauges: Mapping[str, float] | None = None,
    is_last: bool = False,
) -> Blob:
    sketches = {name: Sketch.of(observations) for name, observations in (latencies or {}).items()}
    return Blob(process, sequence, second, Delta(sketches, dict(counters or {}), dict(gauges or {})), is_last)


def push(*blobs: Blob) -> None:
    client().rpush(KEY, *(blob.pack() for blob in blobs))


def client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL)


def aggregator(*, now: int) -> Aggregator:
    """One that neither prunes nor polls gauges unless a test wants it."""
    return Aggregator(client(), polled_at=now + 10**6, kept_at=now)
