"""`manage.py jobs drain`: waits until nothing is pending."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from memory.jobs.figures import open_jobs

POLL_S = 0.2


class Command(BaseCommand):
    help = "Look after background jobs."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        drain = actions.add_parser("drain", help="Wait until no job is pending or running; exit 1 when time runs out.")
        drain.add_argument("--timeout", type=float, default=60, help="Seconds to wait at most.")

    def handle(self, *args: Any, timeout: float, **options: Any) -> None:
        deadline = time.monotonic() + timeout
        while left := open_jobs():
            if time.monotonic() >= deadline:
                raise CommandError(f"{left} jobs are still open after {timeout:g} s. Does a worker run?")
            time.sleep(POLL_S)
