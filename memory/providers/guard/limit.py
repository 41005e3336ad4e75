"""How often a provider is asked, over all processes; and for how long by nobody, after it asked for that."""

from __future__ import annotations

import logging
import math
import threading
from functools import cache
from pathlib import Path
from typing import Final

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from memory.providers.base import ProviderRateLimitedError
from memory.providers.guard.deadline import LEAST_S, SYSTEM, Clock, Deadline
from monitoring import metrics

log = logging.getLogger(__name__)

SCRIPT: Final = Path(__file__).with_name("limit.lua").read_text()
BURST_S: Final = 0.1  # a bucket holds what a tenth of a second brings, at least one token
HOLD_LIMIT_S: Final = 600.0  # the longest back-off that a provider may ask for
TIMEOUT_S: Final = 0.05
AWAY_S: Final = 1.0  # without Redis, the process counts for itself this long before it asks again
ERRORS: Final = "providers.limit.errors"


class Bucket:
    """The token bucket of `limit.lua` within one process."""

    def __init__(self, *, one_s: float, whole_s: float) -> None:
        self._one_s = one_s
        self._whole_s = whole_s
        self._full = -math.inf
        self._lock = threading.Lock()

    def take(self, *, now: float, most_s: float) -> float:
        """Seconds until the caller's token; negative where that is more than `most_s`, and nothing is taken."""
        with self._lock:
            full = max(now, self._full)
            wait = max(0.0, full + self._one_s - self._whole_s - now)
            if wait > most_s:
                return -wait
            self._full = full + self._one_s
            return wait

    def hold(self, *, now: float, seconds: float) -> None:
        """The next token comes after `seconds` at the earliest."""
        with self._lock:
            self._full = max(self._full, now + seconds + self._whole_s - self._one_s)


class Limit:
    """A provider's rate: one bucket in Redis for all processes, and one here for while Redis is away."""

    def __init__(self, name: str, *, rate_per_s: float, clock: Clock = SYSTEM) -> None:
        if not rate_per_s > 0:
            raise ValueError(f"the rate of {name!r} must be positive, got {rate_per_s!r}")
        self.name = name
        self._one_s = 1 / rate_per_s
        self._whole_s = max(self._one_s, BURST_S)
        self._here = Bucket(one_s=self._one_s, whole_s=self._whole_s)
        self._clock = clock
        self._away_until = -math.inf

    def take(self, deadline: Deadline) -> None:
        """Wait for a token. Raises ProviderRateLimitedError at once where it would come too late for the deadline."""
        most_s = max(0.0, deadline.left_s() - LEAST_S)
        wait = self._shared(most_s)
        if wait is None:
            wait = self._here.take(now=self._clock.now(), most_s=most_s)
        if wait < 0:
            raise ProviderRateLimitedError(
                f"the provider {self.name!r} is asked as often as it may be: the next turn is in {-wait:.1f} s",
                retry_after_s=-wait,
            )
        if wait:
            self._clock.sleep(wait)
            deadline.held_s += wait

    def hold(self, seconds: float) -> None:
        """Nobody asks for `seconds` (at most ten minutes), in all processes."""
        seconds = min(max(seconds, 0.001), HOLD_LIMIT_S)
        self._here.hold(now=self._clock.now(), seconds=seconds)
        self._shared(0.0, hold_s=seconds)

    def _shared(self, most_s: float, *, hold_s: float = 0.0) -> float | None:
        """The wait by the shared bucket in seconds, None while Redis is away."""
        if self._clock.now() < self._away_until:
            return None
        micros = [round(seconds * 1e6) for seconds in (self._one_s, self._whole_s, most_s, hold_s)]
        try:
            return float(_script()(keys=[f"provider:{{{self.name}}}:limit"], args=micros)) / 1e6
        except redis.RedisError as problem:
            self._away_until = self._clock.now() + AWAY_S
            metrics.count(ERRORS)
            log.warning("event=provider_limit_local provider=%s error=%s", self.name, type(problem).__name__)
            return None


@cache
def store() -> redis.Redis:
    """The client of this process: it gives up fast, since there is a way on without Redis."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        max_connections=32,
        retry=Retry(NoBackoff(), 0),
    )


@cache
def _script() -> Script:
    return store().register_script(SCRIPT)
