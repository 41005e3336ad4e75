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

import pytest
import redis

from holdfast.embedded import Services
from holdfast.embedded.server import Server

FOLDERS = Path(__file__).resolve().parent.parent / ".holdfast" / "test"
FOLDER = FOLDERS / str(os.getpid())
NAMES = {"postgres": "DATABASE_URL", "cache": "REDIS_URL", "broker": "CELERY_BROKER_URL"}
OURS = "HOLDFAST_TEST_SERVICES"  # the variables that this plugin has set
# Most tests are about what is remembered. A new installation remembers nothing until somebody says so.
FLAGS = {"ENABLE_CHATGPT_MEMORY": "true", "CHATGPT_MEMORY_ROLLOUT": "100"}


def start() -> Services:
    """Start what the environment does not name, and name it there, for this process and its children."""
    remove_leftovers()
    # a process of pytest-xdist inherits what its parent has set, and starts its own: tests empty Redis
    for name in os.environ.pop(OURS, "").split():
        os.environ.pop(name, None)
    os.environ |= {"HOLDFAST_DIR": str(FOLDER)} | FLAGS
    wanted = {service: name not in os.environ for service, name in NAMES.items()}
    services = Services(
        FOLDER, durable=False, postgres=wanted["postgres"], cache=wanted["cache"], broker=wanted["broker"]
    )
    made = services.start()
    (FOLDER / "static").mkdir(exist_ok=True)
    urls = dict(zip(NAMES, (made.database_url, made.redis_url, made.broker_url), strict=True))
    os.environ |= {NAMES[service]: url for service, url in urls.items() if wanted[service]}
    os.environ[OURS] = " ".join(NAMES[service] for service in urls if wanted[service])
    return services


def remove_leftovers() -> None:
    """Remove the folders of runs that were killed."""
    for folder in FOLDERS.glob("*"):
        if not Path("/proc", folder.name).exists() and folder.name.isdecimal():
            Services(folder).stop()
            shutil.rmtree(folder, ignore_errors=True)


def kill(service: str, how: signal.Signals = signal.SIGKILL) -> None:
    """Signal one of postgres, cache and broker, and wait until its process is gone. SIGINT stops PostgreSQL fast."""
    server = _server(service)
    process = server.running()
    assert process is not None, f"{service} doesn't run"
    process.send_signal(how)
    process.wait(timeout=30)


def revive(service: str) -> None:
    """Start the stopped service again: PostgreSQL with its data, Redis empty."""
    while service not in _services.revive():
        time.sleep(0.05)


def flush(service: str) -> None:
    """Empty the cache or the broker."""
    client = redis.Redis(unix_socket_path=str(_services.layout.socket(service)))
    client.flushall()
    client.close()


def _server(service: str) -> Server:
    return next(server for server in _services._servers if server.name == service)


_services = start()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    logging.disable()  # what still flushes at the exit finds nobody there
    _services.stop()
    shutil.rmtree(FOLDER, ignore_errors=True)
