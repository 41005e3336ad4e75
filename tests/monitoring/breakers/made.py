"""Builders of breakers that share a Redis and a clock that stands: Redis' own, and the processes', moved by hand."""

from __future__ import annotations

import itertools
from typing import Any, Final

import redis
from django.conf import settings

from monitoring.breakers import Breaker, Policy, State
from monitoring.breakers.registry import Registry
from monitoring.breakers.shared.store import PREFIX, SCRIPT, Store

CLOCK: Final = f"{PREFIX}:clock"
STANDING_SCRIPT: Final = SCRIPT.replace(
    "redis.call('TIME')", f"{{string.match(redis.call('GET', '{CLOCK}'), '(%d+) (%d+)')}}"
)
AWAY: Final = "unix:///nonexistent/redis.sock"
EPOCH_S: Final = 1_795_000_000
_numbers = itertools.count()
assert STANDING_SCRIPT != SCRIPT


class Clock:
    """Moves Redis' clock and the monotonic one of the processes together."""

    def __init__(self) -> None:
        self.redis = redis.Redis.from_url(settings.REDIS_URL)
        self.passed_ms = 0
        self.show()

    def __call__(self) -> float:
        """Monotonic seconds."""
        return 1000.0 + self.passed_ms / 1000

    def move(self, seconds: float) -> None:
        self.passed_ms += round(seconds * 1000)
        self.show()

    def show(self) -> None:
        """After a flush of Redis too."""
        self.redis.set(CLOCK, f"{EPOCH_S + self.passed_ms // 1000} {self.passed_ms % 1000 * 1000}")


class Process:
    """What one process has of a breaker: its own store, its own knowledge."""

    def __init__(self, clock: Clock, name: str, policy: Policy, *, url: str = "") -> None:
        self.store = Store(
            url or settings.REDIS_URL, script=STANDING_SCRIPT, timeout_s=10, jitter=lambda: 0.5, clock=clock
        )
        self.breaker = Breaker(name, title=name.title(), policy=policy, store=self.store, clock=clock)

    def state(self) -> State:
        """A method: a type checker takes a property for something that stays as it was."""
        return self.breaker.state

    def succeed(self, times: int = 1, took_s: float = 0.0) -> None:
        for _ in range(times):
            self.breaker.admit().succeed(took_s)

    def fail(self, times: int = 1, why: str = "504", took_s: float = 0.0) -> None:
        for _ in range(times):
            self.breaker.admit().fail(why, took_s)

    def lose_redis(self) -> None:
        """Each try to connect fails from now on."""
        self.store.client.connection_pool.disconnect()
        self.store.client = redis.Redis.from_url(AWAY)

    def find_redis(self) -> None:
        self.store.client = redis.Redis.from_url(settings.REDIS_URL)


def make_store() -> Store:
    """With Redis' own clock, and patient: the tests' machine may be busy."""
    return Store(settings.REDIS_URL, timeout_s=10)


def make_registry() -> Registry:
    """As another process has."""
    return Registry(make_store())


def make_policy(**fields: Any) -> Policy:
    return Policy(**{"open_s": 10, "open_limit_s": 60, "window_s": 10} | fields)


def make_processes(clock: Clock, count: int = 2, *, name: str = "", **policy: Any) -> list[Process]:
    name = name or f"breaker-{next(_numbers)}"
    return [Process(clock, name, make_policy(**policy)) for _ in range(count)]
