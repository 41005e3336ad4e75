"""`manage.py providers`: what the providers did, failed and cost."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from memory.providers import configured, report
from memory.providers.usage import usage
from monitoring.metrics import read

FORMATS = {"human": report.as_text, "json": report.as_json, "prometheus": report.as_prometheus}


class Command(BaseCommand):
    help = "The providers' requests, tokens, bytes, latency and estimated cost."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=FORMATS, default="human")
        parser.add_argument("--range", choices=read.RANGES, default="1h")

    def handle(self, *args: Any, format: str, range: str, **options: Any) -> None:
        found = usage(read.span(range, now=timezone.now()), names=sorted(configured.names()))
        self.stdout.write(FORMATS[format](found), ending="")
