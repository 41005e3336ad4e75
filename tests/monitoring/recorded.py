"""An hour of recorded figures: written by the aggregator's own verb, so that pages read what production would."""

from __future__ import annotations

import math
import random
import time
from datetime import datetime, timedelta

import redis
from django.conf import settings

from monitoring.metrics import snapshot
from monitoring.metrics.record import Delta
from monitoring.metrics.sketch import Sketch
from tests.monitoring.kept import record_once

HOUR_S = 3600
EVERY_S = 30


def record_hour(*, now: datetime, failing: float = 0.004, oldest_s: float = 8.0) -> None:
    """Two hours, so that there is a period before: quiet, with a slow spell twenty-five minutes ago."""
    began = time.monotonic()
    chance = random.Random(7)
    record_once(
        "web:1:a",
        lambda ago_s: _delta(chance, ago_s, failing, oldest_s),
        key=f"hour {failing} {oldest_s}",
        until=int(now.timestamp()),
        seconds=2 * HOUR_S,
        every_s=EVERY_S,
    )
    publish(now=now + timedelta(seconds=time.monotonic() - began))  # on a slow machine they would be old already


def publish(*, now: datetime) -> None:
    """The snapshot of that moment."""
    snapshot.publish(snapshot.take(now=int(now.timestamp())), redis.Redis.from_url(settings.REDIS_URL))


def _delta(chance: random.Random, ago_s: int, failing: float, oldest_s: float) -> Delta:
    """What one process records in EVERY_S seconds, `ago_s` seconds ago."""
    slow = math.exp(-(((ago_s - 1500) / 180) ** 2))
    wave = 1 + 0.08 * math.sin(ago_s / 500) + chance.uniform(-0.05, 0.05)
    requests, context = 240 * wave, 120 * wave
    embeddings = 60 * wave
    counters = {
        "requests": requests,
        "requests.errors": requests * (failing + 0.05 * slow) * chance.uniform(0.6, 1.4),
        "messages.posted": 90 * wave,
        "cache.context.hits": context * (0.93 - 0.04 * slow),
        "cache.context.misses": context * (0.07 + 0.04 * slow),
        "cache.embedding.hits": embeddings * (0.7 - 0.1 * slow),
        "cache.embedding.misses": embeddings * (0.3 + 0.1 * slow),
    }
    bulk = max(0.0, 160 - ago_s / 15)
    gauges = {
        "queue.critical": 0.0,
        "queue.high": round(4 * wave),
        "queue.normal": round(40 * wave + 90 * slow),
        "queue.low": round(14 * wave),
        "queue.bulk": round(bulk),
        "queue.oldest_s": round(oldest_s * wave + 20 * slow),
        "memories.active": 18_400 - ago_s // 20,
    }
    durations = [chance.lognormvariate(math.log(0.006 * (1 + 2 * slow)), 0.9) for _ in range(40)]
    return Delta(
        {"operation.assemble_context": Sketch.of(durations)}, counters, {k: float(v) for k, v in gauges.items()}
    )
