"""A clock that only moves by hand, a provider that answers by a script, and guards around it."""

from __future__ import annotations

import itertools
import json
import time
from functools import cache
from typing import Any

import pytest
import redis
from django.conf import settings

from memory.providers.guard import Clock, Deadline, Guard, Reply
from memory.providers.guard.retry import verdict
from monitoring.breakers import Breaker, Policy
from monitoring.breakers.shared.store import LOG, Store

_number = itertools.count(1)


class Hand:
    """A clock: waiting moves it at once, and is kept in `waits`."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.at, self.sleep)


class Provider:
    """Asked once per item of `script`: errors are raised, all else is the answer; the last one is repeated."""

    def __init__(self, *script: Any, takes_s: float = 0.0, hand: Hand | None = None) -> None:
        self.script = list(script)
        self.takes_s = takes_s
        self.hand = hand
        self.left_s: list[float] = []

    @property
    def asked(self) -> int:
        return len(self.left_s)

    def __call__(self, deadline: Deadline) -> Reply[Any]:
        self.left_s.append(deadline.left_s())
        if self.hand:
            self.hand.at += self.takes_s
        answer = self.script[min(self.asked, len(self.script)) - 1]
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Reply) else Reply(answer)


@cache
def patient_client() -> redis.Redis:
    """The machine may be busy: a breaker that takes that for Redis' absence would judge alone."""
    return redis.Redis.from_url(settings.REDIS_URL)


def make_guard(hand: Hand | None = None, *, policy: Policy | None = None, **fields: Any) -> Guard:
    """A guard with a name of its own, so that no other test's rate, breaker or figures are in it."""
    name = fields.pop("name", f"test-{next(_number)}")
    store = Store(settings.REDIS_URL)
    store.client = patient_client()
    breaker = Breaker(
        f"provider.{name}", title="The provider", policy=policy or Policy(), store=store, classify=verdict
    )
    defaults: dict[str, Any] = {
        "title": "The provider",
        "breaker": breaker,
        "timeout_s": 5.0,
        "rate_per_s": 1000,
    }
    if hand:
        defaults["clock"] = hand.clock
    return Guard(name, **defaults | fields)


class Since:
    """How long an expected wait may be by Redis' clock, which goes on while a test runs: `wait == Since() + 2`."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def __add__(self, seconds: float) -> Any:
        passed = time.monotonic() - self.began
        return pytest.approx(seconds - passed / 2, abs=passed / 2 + 0.002)


def judged(guard: Guard) -> tuple[int, int]:
    """The calls that the breaker took for a success and for a failure, since its last change of state."""
    guard.breaker.fold()
    return guard.breaker.era.window.ok, guard.breaker.era.window.failed


def transitions() -> list[dict[str, Any]]:
    """What breakers did, as the aggregator will find it."""
    return [json.loads(entry) for entry in patient_client().lrange(LOG, 0, -1)]
