"""Flushing: one daemon thread a process pushes what was recorded to Redis each second.

It starts with the first record of the process and never before a fork: a forked child has recorded nothing, so it
starts its own. A process that is killed loses what it recorded since its last flush, at most about a second.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.util import Finalize
from typing import Final

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from monitoring.metrics import record
from monitoring.metrics.blob import KEY, Blob
from monitoring.tracing import slow

LIST_LIMIT: Final = 10_000  # blobs in Redis: three hours of one process while no aggregator lives
PENDING_LIMIT: Final = 60  # blobs kept in the process while Redis is away
TIMEOUT_S: Final = 0.5

logger = logging.getLogger(__name__)


def connect(url: str) -> redis.Redis:
    """A client that gives up fast: the next tick is the retry."""
    return redis.Redis.from_url(
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0)
    )


class Flusher:
    """Turns what the process recorded into numbered blobs and pushes them in order, each again until Redis has it."""

    def __init__(self, *, url: str, clock: Callable[[], float] = time.time) -> None:
        self.process = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._clock = clock
        self._redis = connect(url)
        self._lock = threading.Lock()
        self._pending: deque[tuple[bytes, int]] = deque()
        self._sequence = 0
        self._second = 0
        self._is_away = False

    def flush(self, *, is_last: bool = False) -> bool:
        """Sends what is new; whether Redis took all. Without news it sends an empty blob: the process is alive."""
        with self._lock:
            self._keep(record.drain(), slow.drain(), is_last=is_last)
            return self._push()

    def run(self) -> None:
        """Flushes right after each whole second, for as long as the process lives."""
        while True:
            time.sleep(1.02 - self._clock() % 1)
            self.flush()

    def _keep(self, delta: record.Delta, slowest: Sequence[slow.Slow], *, is_last: bool) -> None:
        self._sequence += 1
        # Right after the boundary it is the second that has just passed; never back, so that order tells what is new
        self._second = max(self._second, int(self._clock() - 0.5))
        blob = Blob(self.process, self._sequence, self._second, delta, is_last, slowest)
        self._pending.append((blob.pack(), delta.records))
        if len(self._pending) > PENDING_LIMIT:
            _, lost = self._pending.popleft()
            record.drop(lost)

    def _push(self) -> bool:
        blobs = [blob for blob, _ in self._pending]
        try:
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.rpush(KEY, *blobs)
                pipe.ltrim(KEY, -LIST_LIMIT, -1)
                pipe.execute()
        except redis.RedisError as error:
            # An answer that got lost means that Redis may have them: the aggregator drops what it has seen by sequence
            if not self._is_away:
                logger.warning("metrics_flush=waiting process=%s error=%r", self.process, error)
            self._is_away = True
            return False
        if self._is_away:
            logger.info("metrics_flush=resumed process=%s blobs=%d", self.process, len(blobs))
        self._is_away = False
        self._pending.clear()
        return True


_flusher: Flusher | None = None
_starting = threading.Lock()


def start() -> None:
    """Starts this process's flusher unless it runs. Cheap when it does."""
    if _flusher is None:
        with _starting:
            _start_once()


def _start_once() -> None:
    global _flusher
    if _flusher is None:
        _flusher = Flusher(url=settings.REDIS_URL)
        threading.Thread(target=_flusher.run, name="metrics-flush", daemon=True).start()
        # Unlike atexit, also runs at the end of multiprocessing's children
        Finalize(None, flush, kwargs={"is_last": True}, exitpriority=10)


def flush(*, is_last: bool = False) -> bool:
    """Sends now what this process recorded; whether Redis took it. `is_last` says that the process ends on purpose.

    For the end of processes that skip Python's exit handlers, such as Celery's prefork children.
    """
    return _flusher is None or _flusher.flush(is_last=is_last)


def _after_fork_in_child() -> None:
    """The parent's thread, connection and unsent blobs are the parent's."""
    global _flusher, _starting
    _flusher = None
    _starting = threading.Lock()


os.register_at_fork(after_in_child=_after_fork_in_child)
record.on_first_record(start)
