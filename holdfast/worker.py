"""What a worker's children do when they start and end. Celery imports it (CELERY_IMPORTS) when Django is set up."""

from __future__ import annotations

from celery.signals import worker_process_init, worker_process_shutdown

from memory.providers import configured
from monitoring import breakers, metrics
from monitoring.queries import transport


@worker_process_init.connect  # type: ignore[untyped-decorator]
def load_models(**_: object) -> None:
    """Load the local models when the child starts rather than in its first job."""
    configured.warm()


@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def send_last_figures(**_: object) -> None:
    """A worker's child ends without Python's exit handlers: what it measured since the last flush would be lost."""
    breakers.flush()
    transport.deliver()
    metrics.flush(is_last=True)
