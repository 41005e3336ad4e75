"""Whether the broker answers and a worker is there: without them messages wait, and are served unprocessed."""

from __future__ import annotations

import time
from typing import Final

from celery import current_app
from kombu.exceptions import KombuError

from memory.jobs.delivery.hints import unreachable
from monitoring.health import Result, register

PING_S: Final = 1.0
START: Final = "start one with `manage.py up`, or `celery -A holdfast worker`"


def broker() -> Result:
    """One look at the queue, which need not exist yet."""
    with current_app.connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=0, timeout=PING_S)
            queue = current_app.conf.task_default_queue
            declared = connection.default_channel.queue_declare(queue=queue, passive=True)
            return Result.good(declared.message_count, "messages")
        except connection.channel_errors:
            return Result.good(0, "messages")
        except (*connection.connection_errors, KombuError, OSError) as problem:
            kind = type(problem).__name__
            return Result.bad(f"The broker gives no answer ({kind}): the dispatcher finds the work later.")


def workers() -> Result:
    """Whether any worker answers a ping."""
    seconds = ping()
    if seconds is None:
        return Result.bad(f"No worker answers: messages are kept and not processed; {START}.")
    return Result.good(seconds * 1000, "ms")


def ping() -> float | None:
    """How long the first worker took to answer; None when none does within a second, or the broker is away.

    Where nobody listens there is nothing to wait for, and None is known at once.
    """
    began = time.perf_counter()
    try:
        if not _somebody_listens():
            return None
        answers = current_app.control.broadcast("ping", reply=True, limit=1, timeout=PING_S)
    except unreachable():
        return None
    return time.perf_counter() - began if answers else None


def _somebody_listens() -> bool:
    """Whether a ping may be heard: for as long as a worker is connected, it subscribes to a pattern at the broker.

    Redis forgets that with the connection, so it holds for killed workers too. Of other brokers nothing is known.
    """
    with current_app.pool.acquire(block=True, timeout=PING_S) as connection:
        if connection.transport.driver_type != "redis":
            return True
        return bool(connection.default_channel.client.pubsub_numpat())


def register_all() -> None:
    register(
        "broker", broker, component="broker", is_required=False, timeout_s=2.0, kind="datastore", measurement="depth"
    )
    register("workers", workers, component="workers", is_required=False, timeout_s=3.0)
