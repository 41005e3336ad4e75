"""The product with embedded services of its own, for the length of a benchmark."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from holdfast.embedded import Services

ROOT = Path(__file__).resolve().parent.parent
START_S = 60
# what is measured is the whole of the work: everybody's messages become memories, in batches
FLAGS = {
    f"{prefix}{flag}{suffix}": value
    for flag in ("CHATGPT_MEMORY", "BATCH_PROCESSING")
    for prefix, suffix, value in (("ENABLE_", "", "true"), ("", "_ROLLOUT", "100"))
}


@contextmanager
def services() -> Iterator[None]:
    """PostgreSQL and Redis as in production (durable), in a folder that goes away; named in the environment."""
    with TemporaryDirectory(dir=_home(), prefix="bench-") as folder, Services(Path(folder)) as started:
        Path(folder).chmod(0o711)
        made = started.addresses
        os.environ |= {
            "HOLDFAST_DIR": folder,
            "DATABASE_URL": made.database_url,
            "REDIS_URL": made.redis_url,
            "CELERY_BROKER_URL": made.broker_url,
            "DJANGO_SETTINGS_MODULE": "bench.settings",
        } | FLAGS
        manage("bootstrap")
        yield


def _home() -> Path:
    """Where services keep their data, which a new checkout does not have yet."""
    home = ROOT / ".holdfast"
    home.mkdir(mode=0o711, exist_ok=True)
    return home


def manage(*arguments: str) -> str:
    """The output of a management command."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def on_redis(module: str, report: Callable[[str], bool]) -> None:
    """Ends the process with what `report` says of the Redis that REDIS_URL names.

    Without one, with what `module` says in a child, on a Redis that lives as long as it.
    """
    if url := os.environ.get("REDIS_URL"):
        sys.exit(not report(url))
    with (
        TemporaryDirectory(dir=_home(), prefix="bench-") as folder,
        Services(Path(folder), postgres=False, broker=False) as started,
    ):
        again = [sys.executable, "-m", module]
        done = subprocess.run(again, cwd=ROOT, env=os.environ | {"REDIS_URL": started.addresses.redis_url})
    sys.exit(done.returncode)


@contextmanager
def web(*, workers: int = 2, threads: int = 2, **variables: str) -> Iterator[int]:
    """The web server as `manage.py up` runs it, with these environment variables; yields its port."""
    port = free_port()
    where = ("--host", "127.0.0.1", "--port", str(port), "--workers", str(workers))
    how = ("--interface", "wsgi", "--blocking-threads", str(threads), "--backlog", "4096", "--no-ws")
    command = [sys.executable, "-m", "granian", *how, *where, "--log-level", "warning", "bench.wsgi:application"]
    server = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"HOLDFAST_DB_POOL": "4"} | variables)
    try:
        wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
