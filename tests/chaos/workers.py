"""Real Celery workers on the test's database and broker, to be killed."""

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


def environment(**more: str) -> dict[str, str]:
    """The environment of a child that works on this test's database."""
    database = connection.settings_dict
    url = make_conninfo(
        "", dbname=database["NAME"], user=database["USER"], password=database["PASSWORD"], host=database["HOST"]
    )
    return os.environ | {"DATABASE_URL": url, "PYTHONUNBUFFERED": "1"} | more


class Worker:
    """A worker with an embedded beat, in a process group of its own."""

    def __init__(self, log: Path, **variables: str) -> None:
        self.log: IO[bytes] = log.open("ab")
        schedule = log.with_suffix(".beat")
        how = ("-B", "-s", str(schedule), "--concurrency", "2", "--loglevel", "WARNING")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "holdfast", "worker", *how],
            cwd=settings.BASE_DIR,
            env=environment(**variables),
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def kill(self) -> None:
        """SIGKILL the worker and all its children at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()
