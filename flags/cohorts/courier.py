"""Sends what was noted to Redis: one daemon thread a process sums it up each second, and pushes the sums.

Bounded at every step: what waits here, what waits to be pushed while Redis is away, what waits in Redis. What finds no
room is counted in DROPPED, never waited for. The thread starts with the first note, and in a forked child anew.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from multiprocessing.util import Finalize
from typing import Final

import redis
from django.conf import settings

from flags.cohorts import series
from flags.cohorts.blob import KEY, Blob, Finished, Note, Tally
from monitoring.metrics import count
from monitoring.metrics.flush import connect

KEPT: Final = 20_000  # requests of one second
PENDING_LIMIT: Final = 60  # blobs in the process while Redis is away
LIST_LIMIT: Final = 2_000  # blobs in Redis while no aggregator lives: minutes of ten busy processes
DROPPED: Final = "cohorts.dropped"  # exposures, and blobs of many

logger = logging.getLogger(__name__)


class Courier:
    """What this process has noted and not yet sent. Replaced whole in a forked child."""

    def __init__(self, *, url: str = "") -> None:
        self.process = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.waiting: deque[Finished] = deque(maxlen=KEPT)
        self.thread: threading.Thread | None = None
        self._url = url
        self._client: redis.Redis | None = None
        self._lock = threading.Lock()
        self._pending: deque[bytes] = deque()
        self._sequence = 0
        self._is_away = False

    def keep(self, notes: Sequence[Note], seconds: float | None, failed: bool, kind: str = "") -> None:
        if len(self.waiting) >= KEPT:
            count(DROPPED, len(notes))
        self.waiting.append((notes, seconds, failed, kind))  # one step under the interpreter's lock
        if self.thread is None:
            self._start()

    def flush(self, now: float | None = None) -> bool:
        """Send now what is new; whether Redis took all. `now` is in epoch seconds, and stands for when it was noted."""
        with self._lock:
            self._sum_up(int(time.time() if now is None else now))
            return not self._pending or self._push()

    def run(self) -> None:
        while True:
            time.sleep(1.04 - time.time() % 1)
            self.flush()

    def _start(self) -> None:
        thread = threading.Thread(target=self.run, name="cohorts", daemon=True)
        with self._lock:
            if self.thread is not None:
                return
            self.thread = thread
        try:
            thread.start()
        except RuntimeError:  # no thread is to be had, or the interpreter is ending
            self.thread = None
            return
        # before the metrics' own last flush, which then takes what is counted here
        Finalize(None, flush, exitpriority=20)

    def _sum_up(self, second: int) -> None:
        tally, arms, lost = Tally(), series.Arms(), 0
        # other threads go on adding while this one takes
        for _ in range(len(self.waiting)):
            finished = self.waiting.popleft()
            lost += tally.note(finished, second)
            arms.note(finished)
        arms.observe()
        if lost:
            count(DROPPED, lost)
        for part in tally.parts() if tally.shares else ():
            self._sequence += 1
            self._pending.append(Blob(self.process, self._sequence, second, part).pack())
        while len(self._pending) > PENDING_LIMIT:
            self._pending.popleft()
            count(DROPPED)

    def _push(self) -> bool:
        try:
            client = self._client = self._client or connect(self._url or settings.REDIS_URL)
            with client.pipeline(transaction=True) as pipe:
                pipe.rpush(KEY, *self._pending)
                pipe.ltrim(KEY, -LIST_LIMIT, -1)
                length = pipe.execute()[0]
        except redis.RedisError as problem:
            # Redis may have them all the same: the aggregator knows by sequence what it has seen
            if not self._is_away:
                logger.warning("cohorts=waiting process=%s error=%s", self.process, type(problem).__name__)
            self._is_away = True
            return False
        if length > LIST_LIMIT:
            count(DROPPED, length - LIST_LIMIT)
        self._is_away = False
        self._pending.clear()
        return True


_courier = Courier()


def keep(notes: Sequence[Note], seconds: float | None, failed: bool, kind: str = "") -> None:
    """Have it summed up and sent within a second or so."""
    _courier.keep(notes, seconds, failed, kind)


def flush(now: float | None = None) -> bool:
    """Send now what this process noted; whether Redis took it. `now` is in epoch seconds.

    For tests, and for the end of processes that skip Python's exit handlers, such as Celery's children.
    """
    return _courier.flush(now)


def _after_fork_in_child() -> None:
    """What waits is the parent's, and the child has no thread."""
    global _courier
    _courier = Courier()


os.register_at_fork(after_in_child=_after_fork_in_child)
