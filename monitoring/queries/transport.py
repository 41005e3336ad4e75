"""Takes what was captured to Redis, and brings back from when on a query is slow: one daemon thread a process.

Bounded at every step: what a process keeps, what Redis keeps. What finds no room is counted, never waited for.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from dataclasses import asdict, astuple, dataclass
from multiprocessing.util import Finalize
from typing import Any, Final

import orjson
import redis
from django.conf import settings

from monitoring.metrics import count
from monitoring.metrics.flush import connect

KEY: Final = "holdfast:queries:met"
SLOW_KEY: Final = "holdfast:queries:slow_ms"
KEPT: Final = 500  # in a process, while Redis is away
LIST_LIMIT: Final = 5_000  # in Redis, while no aggregator lives
GATHER_S: Final = 0.5  # so many are sent at once
LOOK_S: Final = 5.0  # how old a changed threshold may be
DROPPED: Final = "database.samples_dropped"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Met:
    """A slow run (`runs` is 1), or a statement that one request ran `runs` times."""

    fingerprint: str
    template: str
    route: str
    at: int
    seconds: float
    rows: int = 0
    runs: int = 1

    @property
    def is_repeat(self) -> bool:
        return self.runs > 1

    def packed(self) -> bytes:
        return orjson.dumps(astuple(self))

    @classmethod
    def unpacked(cls, packed: bytes) -> Met:
        """Raises ValueError for what `packed` did not make."""
        try:
            met = cls(*orjson.loads(packed))
        except TypeError as problem:
            raise ValueError("a sample has seven parts") from problem
        kinds = {"fingerprint": str, "template": str, "route": str, "at": int, "rows": int, "runs": int}
        if any(not isinstance(value, kinds.get(name, (int, float))) for name, value in asdict(met).items()):
            raise ValueError("a part of the sample is of another kind")
        return met


class Limit:
    """From when on a query is slow, in seconds: a plain attribute, since every query reads it."""

    __slots__ = ("slow_s",)

    def __init__(self) -> None:
        self.slow_s = float("inf")  # until the process has looked it up


limit: Final = Limit()


class _Courier:
    """The thread of this process, what waits for it, and its connection; replaced whole in a forked child."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: deque[Met] = deque(maxlen=KEPT)
        self.sending: list[Met] = []
        self.wake = threading.Event()
        self.client: redis.Redis | None = None
        self.thread: threading.Thread | None = None
        self.is_away = False

    def start(self) -> None:
        with self.lock:
            if self.thread is None:
                self.client = connect(settings.REDIS_URL)
                self.thread = threading.Thread(target=self.run, name="queries", daemon=True)
                self.thread.start()
                Finalize(None, deliver, exitpriority=10)

    def run(self) -> None:
        while True:
            self.deliver()
            self.look()
            if self.wake.wait(LOOK_S):
                time.sleep(GATHER_S)
                self.wake.clear()

    def deliver(self) -> bool:
        """Send what waits; whether Redis took it."""
        with self.lock:
            # other threads go on adding while this one takes
            self.sending += [self.waiting.popleft() for _ in range(len(self.waiting))]
            del self.sending[:-KEPT]
            if not self.sending or self.client is None:
                return True
            packed = [met.packed() for met in self.sending]
            try:
                with self.client.pipeline(transaction=True) as pipe:
                    pipe.rpush(KEY, *packed)
                    pipe.ltrim(KEY, -LIST_LIMIT, -1)
                    pipe.execute()
            except redis.RedisError as problem:
                self._lost(problem)
                return False
            self.sending.clear()
            self.is_away = False
            return True

    def look(self) -> None:
        """Take over the threshold that an operator has set, else the setting's."""
        assert self.client is not None
        with self.lock:
            try:
                said: Any = self.client.get(SLOW_KEY)
            except redis.RedisError as problem:
                self._lost(problem)
            else:
                limit.slow_s = (int(said) if said and said.isdigit() else settings.HOLDFAST_SLOW_QUERY_MS) / 1000

    def _lost(self, problem: redis.RedisError) -> None:
        if not self.is_away:
            logger.warning("queries=waiting error=%s", type(problem).__name__)
        self.is_away = True


_courier = _Courier()


def start() -> None:
    """Have this process deliver what it captures. Cheap when it does."""
    if _courier.thread is None:
        if limit.slow_s == float("inf"):
            limit.slow_s = settings.HOLDFAST_SLOW_QUERY_MS / 1000
        _courier.start()


def keep(met: Met) -> None:
    """Have it delivered within a second; the oldest gives way where too many wait."""
    if len(_courier.waiting) >= KEPT:
        count(DROPPED)
    _courier.waiting.append(met)
    _courier.wake.set()


def deliver() -> bool:
    """Send now what this process captured; whether Redis took it. For the end of processes, and for tests."""
    return _courier.deliver()


def _after_fork_in_child() -> None:
    """What waits is the parent's; the child has no thread, and a lock that nobody holds."""
    global _courier
    _courier = _Courier()


os.register_at_fork(after_in_child=_after_fork_in_child)
