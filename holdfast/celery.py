"""The Celery application: its messages are hints, the rows in PostgreSQL are the jobs."""

from __future__ import annotations

import os

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown

from memory.providers import configured
from monitoring import metrics

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "holdfast.settings")

app = Celery("holdfast")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect  # type: ignore[untyped-decorator]
def load_models(**_: object) -> None:
    """Load the embedding model when the child starts rather than in its first job."""
    configured.embedder().embed(["warm up"])


@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def send_last_figures(**_: object) -> None:
    """A worker's child ends without Python's exit handlers: what it measured since the last flush would be lost."""
    metrics.flush(is_last=True)
