"""Forked processes that record for themselves, as web and job workers do."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings

from monitoring.metrics import record
from monitoring.metrics.flush import Flusher

T = TypeVar("T")


def without_flusher() -> None:
    """In a forked child: what is recorded waits for the test to take it."""
    record._on_first.clear()


def flusher(*, second: float) -> Flusher:
    """A flusher without its thread, whose clock stands."""
    return Flusher(url=settings.REDIS_URL, clock=lambda: second + 1.02)


class Forked:
    """A child that runs `work(say)`; `heard` is what it said last, once it has said something or ended."""

    def __init__(self, work: Callable[[Callable[[Any], None]], None]) -> None:
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            self._run(work, writing)
        os.close(writing)
        self._pipe = os.fdopen(reading, "rb")

    @staticmethod
    def _run(work: Callable[[Callable[[Any], None]], None], pipe: int) -> None:
        status = 1
        try:
            work(lambda said: void(os.write(pipe, pickle.dumps(said))))
            status = 0
        finally:
            # Neither pytest's nor Django's exit handlers belong to this process
            os._exit(status)

    def hear(self) -> Any:
        return pickle.load(self._pipe)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def end(self) -> int:
        """Waits; its exit status, negative for a signal."""
        self._pipe.close()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def void(*_: object) -> None:
    """Several calls in one expression."""


def forked(work: Callable[[], T]) -> T:
    """What `work` returns in a child that starts with nothing recorded and no flusher."""

    def child(say: Callable[[Any], None]) -> None:
        without_flusher()
        say(work())

    process = Forked(child)
    answer: T = process.hear()
    assert process.end() == 0
    return answer
