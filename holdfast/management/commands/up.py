"""`manage.py up`: the whole of Holdfast on this machine, with one command and one Ctrl-C."""

from __future__ import annotations

import argparse
import os
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from holdfast import env
from holdfast.embedded import ServiceError
from holdfast.supervisor import Options, SupervisorError, simulator, up

LAST_PORT = 65535


class Command(BaseCommand):
    help = "Start the services and providers that the environment does not replace, then web, worker, beat and demo."
    # `up` connects to no database itself: its children do, once it has started one.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address of the web server (default: %(default)s)")
        # As text: argparse judges a default like what is typed.
        port = env.text("HOLDFAST_PORT", "8000")
        parser.add_argument("--port", type=_port, default=port, help="its port (default: HOLDFAST_PORT or 8000)")
        parser.add_argument("--workers", type=_positive, default=2, help="web workers (default: %(default)s)")
        parser.add_argument("--no-demo", action="store_true", help="start without the demo traffic")
        words = "ask the local providers: start no simulated one (nor does it start where the environment names others)"
        parser.add_argument("--no-simulator", action="store_true", help=words)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            up(self.chosen(**options))
        except (ServiceError, SupervisorError) as problem:
            raise CommandError(str(problem)) from problem

    def chosen(self, **options: Any) -> Options:
        """What the command line and the environment say. Raises CommandError."""
        return Options(
            base=settings.BASE_DIR,
            folder=settings.HOLDFAST_DIR,
            host=options["host"],
            port=options["port"],
            workers=options["workers"],
            demo=not options["no_demo"],
            simulator_port=None if options["no_simulator"] else _simulator_port(options["port"]),
        )


def _simulator_port(taken: int) -> int | None:
    """The simulated provider's port, None where it isn't to be started."""
    if simulator.is_replaced(os.environ) or not settings.HOLDFAST_PRIVATE_PROVIDERS:
        return None
    try:
        port = env.integer("HOLDFAST_SIMULATOR_PORT", 0)
    except ImproperlyConfigured as problem:
        raise CommandError(str(problem)) from None
    if port == taken or port > LAST_PORT:
        raise CommandError(f"HOLDFAST_SIMULATOR_PORT must be a port up to {LAST_PORT} other than --port, got {port}")
    return port or simulator.free_port()


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, got {text!r}")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= LAST_PORT:
        raise argparse.ArgumentTypeError(f"(or HOLDFAST_PORT) must be a port from 1 to {LAST_PORT}, got {text!r}")
    return int(text)
