"""`manage.py aggregate`: stores metrics and publishes the snapshot; the second one started stands by."""

from __future__ import annotations

import signal
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from monitoring.breakers import Journal
from monitoring.metrics import aggregate
from monitoring.metrics.flush import connect


class Command(BaseCommand):
    help = "Aggregate metrics until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="One round, whoever else aggregates.")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        also = [Journal().tick]
        if once:
            aggregate.Aggregator(connect(settings.REDIS_URL), also).tick(time.time())
            return
        asked: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _: asked.append(received))
        aggregate.run(url=settings.REDIS_URL, is_asked_to_stop=lambda: bool(asked), also=also)
