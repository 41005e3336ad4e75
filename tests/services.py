"""A pytest plugin that starts real PostgreSQL and Redis before Django reads its settings.

Each run has its own servers and folder, so that two runs in one checkout don't meet. Services that the environment
names (DATABASE_URL, REDIS_URL, CELERY_BROKER_URL) are used instead.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from holdfast.embedded import Services

FOLDERS = Path(__file__).resolve().parent.parent / ".holdfast" / "test"
FOLDER = FOLDERS / str(os.getpid())
NAMES = {"postgres": "DATABASE_URL", "cache": "REDIS_URL", "broker": "CELERY_BROKER_URL"}


def start() -> Services:
    """Start what the environment does not name, and name it there, for this process and its children."""
    remove_leftovers()
    os.environ["HOLDFAST_DIR"] = str(FOLDER)
    wanted = {service: name not in os.environ for service, name in NAMES.items()}
    services = Services(
        FOLDER, durable=False, postgres=wanted["postgres"], cache=wanted["cache"], broker=wanted["broker"]
    )
    made = services.start()
    (FOLDER / "static").mkdir(exist_ok=True)
    for name, url in zip(NAMES.values(), (made.database_url, made.redis_url, made.broker_url), strict=True):
        os.environ.setdefault(name, url)
    return services


def remove_leftovers() -> None:
    """Remove the folders of runs that were killed."""
    for folder in FOLDERS.glob("*"):
        if not Path("/proc", folder.name).exists() and folder.name.isdecimal():
            Services(folder).stop()
            shutil.rmtree(folder, ignore_errors=True)


def kill_broker() -> None:
    """SIGKILL the broker, with all hints in it."""
    broker = redis.Redis(unix_socket_path=urlsplit(os.environ["CELERY_BROKER_URL"]).path)
    os.kill(int(broker.info("server")["process_id"]), signal.SIGKILL)
    broker.close()


def revive_broker() -> None:
    """Start the killed broker again, empty."""
    while "broker" not in _services.revive():
        time.sleep(0.05)


_services = start()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    logging.disable()  # what still flushes at the exit finds nobody there
    _services.stop()
    shutil.rmtree(FOLDER, ignore_errors=True)
