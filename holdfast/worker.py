"""What a worker's children do when they start and end, and after each task. Celery imports it (CELERY_IMPORTS)."""

from __future__ import annotations

from celery import Task
from celery.signals import task_postrun, worker_process_init, worker_process_shutdown
from django.db import connections

from flags import cohorts
from memory.context import served
from memory.providers import configured
from monitoring import breakers, metrics
from monitoring.queries import transport


@worker_process_init.connect  # type: ignore[untyped-decorator]
def load_models(**_: object) -> None:
    """Load the local models when the child starts rather than in its first job, and write down what it tells."""
    configured.warm()
    served.keep_writing()


@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def send_last_figures(**_: object) -> None:
    """A worker's child ends without Python's exit handlers: what it measured since the last flush would be lost."""
    cohorts.flush()
    breakers.flush()
    transport.deliver()
    metrics.flush(is_last=True)


@task_postrun.connect  # type: ignore[untyped-decorator]
def drop_torn_connections(task: Task, **_: object) -> None:
    """Have a new connection after a task that left a transaction open.

    A time limit may strike within Django's own bookkeeping at the end of a transaction. Django then takes itself to be
    in that transaction for ever, and never opens the connection again once Celery has closed it.
    """
    if task.request.is_eager:
        return
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            connection.close()
            del connections[connection.alias]
