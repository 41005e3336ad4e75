"""`manage.py provider_simulator`: a provider that can be broken on purpose, and the knobs of the one that `up` runs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from memory.providers.simulator import cli

NOTE = "simulator_url"  # kept in the data folder by `up`


class Command(BaseCommand):
    help = "Run a simulated provider (OpenAI's endpoints, with faults on request), or turn the knobs of a running one."
    requires_system_checks = ()  # it may stand for the very provider that they look for

    def add_arguments(self, parser: CommandParser) -> None:
        cli.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        note = settings.HOLDFAST_DIR / NOTE
        try:
            cli.act(options, write=self.write, url=note.read_text().strip() if note.exists() else "")
        except cli.SimulatorError as problem:
            raise CommandError(str(problem)) from problem

    def write(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
