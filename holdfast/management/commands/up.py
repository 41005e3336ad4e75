"""`manage.py up`: the whole of Holdfast on this machine, with one command and one Ctrl-C."""

from __future__ import annotations

import argparse
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from holdfast import env
from holdfast.embedded import ServiceError
from holdfast.supervisor import Options, SupervisorError, up

LAST_PORT = 65535


class Command(BaseCommand):
    help = "Start the services that the environment does not replace, then web, worker, beat and demo."
    # `up` connects to no database itself: its children do, once it has started one.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address of the web server (default: %(default)s)")
        # As text: argparse judges a default like what is typed.
        port = env.text("HOLDFAST_PORT", "8000")
        parser.add_argument("--port", type=_port, default=port, help="its port (default: HOLDFAST_PORT or 8000)")
        parser.add_argument("--workers", type=_positive, default=2, help="web workers (default: %(default)s)")
        parser.add_argument("--no-demo", action="store_true", help="start without the demo traffic")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = Options(
            base=settings.BASE_DIR,
            folder=settings.HOLDFAST_DIR,
            host=options["host"],
            port=options["port"],
            workers=options["workers"],
            demo=not options["no_demo"],
        )
        try:
            up(chosen)
        except (ServiceError, SupervisorError) as problem:
            raise CommandError(str(problem)) from problem


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, got {text!r}")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= LAST_PORT:
        raise argparse.ArgumentTypeError(f"(or HOLDFAST_PORT) must be a port from 1 to {LAST_PORT}, got {text!r}")
    return int(text)
