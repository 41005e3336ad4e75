"""Hints for the workers, "there is work at this priority", sent by a thread of their own so that no request waits.

A hint may be lost or come twice without harm: the rows are the jobs, and the dispatcher hints again each second.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable
from typing import Final

from celery import current_app
from kombu.exceptions import KombuError, OperationalError

from memory.models import Priority
from monitoring import metrics

log = logging.getLogger(__name__)

TASK: Final = "memory.work"
PAUSE_S: Final = 0.05  # between two sendings, each of which costs 2 ms: what comes meanwhile goes once per priority


class Sender:
    """The wanted priorities of one process, and the thread that sends them."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._wanted: set[int] = set()
        self._lock = threading.Lock()
        self._bell = threading.Event()
        self._thread: threading.Thread | None = None

    def want(self, priority: int) -> None:
        """Have a hint sent soon; at once and without I/O for the caller."""
        with self._lock:
            self._wanted.add(priority)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="hints", daemon=True)
                self._thread.start()
        self._bell.set()

    def _run(self) -> None:
        while True:
            self._bell.wait()
            self._bell.clear()
            with self._lock:
                wanted, self._wanted = self._wanted, set()
            send(sorted(wanted))
            time.sleep(PAUSE_S)


_sender = Sender()


def wake(priority: int = Priority.NORMAL) -> None:
    """Tell the workers that there is work at this priority. Call it after the commit; it never waits or raises."""
    global _sender
    if _sender.pid != os.getpid():
        _sender = Sender()  # a forked child has its parent's memory, but not its threads
    _sender.want(int(priority))


def send(priorities: Iterable[int]) -> bool:
    """Send one hint per entry, in one round trip where the broker's transport can. False when it could not be reached.

    It is not tried again: what waits is found by the dispatcher.
    """
    priorities = list(priorities)
    if not priorities:
        return True
    try:
        with current_app.producer_pool.acquire(block=True, timeout=1) as producer, producer.batch():
            for priority in priorities:
                # not retried by Celery either: this is the hint's only attempt
                current_app.send_task(
                    TASK,
                    args=(priority,),
                    priority=priority,
                    producer=producer,
                    retry=False,
                    ignore_result=True,
                    headers={"enqueued_at": time.time()},
                )
    except (OperationalError, KombuError, OSError) as problem:
        metrics.count("hints.errors")
        log.warning("event=hint_failed hints=%d error=%s", len(priorities), type(problem).__name__)
        return False
    metrics.count("hints.sent", len(priorities))
    return True


def waiting() -> int | None:
    """Messages in the broker's queue, of all priorities; None when it can't be asked or does not exist yet."""
    try:
        with current_app.pool.acquire(block=True, timeout=1) as connection:
            queue = current_app.conf.task_default_queue
            return int(connection.default_channel.queue_declare(queue=queue, passive=True).message_count)
    except unreachable():
        return None


def unreachable() -> tuple[type[Exception], ...]:
    """What is raised when the broker is away or has no such queue; part of it is the transport's own."""
    with current_app.connection_for_write() as connection:
        return (*connection.connection_errors, *connection.channel_errors, KombuError, OSError)
