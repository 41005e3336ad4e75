"""Real Celery workers and beats on the test's database and broker, to be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from tests.chaos.backlog import IS_FULL

# leases are short, so that what a killed worker held comes back within the test; a third of one is a task's limit
HURRIED = {"HOLDFAST_JOB_LEASE_S": "9" if IS_FULL else "3", "HOLDFAST_JOB_ATTEMPTS": "60"}


def environment(**more: str) -> dict[str, str]:
    """The environment of a child that works on this test's database."""
    database = connection.settings_dict
    url = make_conninfo(
        "", dbname=database["NAME"], user=database["USER"], password=database["PASSWORD"], host=database["HOST"]
    )
    return os.environ | {"DATABASE_URL": url, "PYTHONUNBUFFERED": "1"} | more


class Process:
    """One Celery command in a process group of its own."""

    def __init__(self, log: Path, *command: str) -> None:
        self.log: IO[bytes] = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "holdfast", *command, "--loglevel", "WARNING"],
            cwd=settings.BASE_DIR,
            env=environment(**HURRIED),
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def kill(self) -> None:
        """SIGKILL it and all its children at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def is_running(self) -> bool:
        return self.process.poll() is None


class Worker(Process):
    """A worker with two children, and a beat in it unless beats run on their own."""

    def __init__(self, log: Path, *, beat: bool = True) -> None:
        schedule = ("-B", "-s", str(log.with_suffix(".beat"))) if beat else ()
        super().__init__(log, "worker", *schedule, "--concurrency", "2")


class Beat(Process):
    """A beat alone: the dispatcher's tick, each second."""

    def __init__(self, log: Path) -> None:
        super().__init__(log, "beat", "-s", str(log.with_suffix(".schedule")))
