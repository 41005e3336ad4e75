"""`manage.py aggregate`: stores metrics and publishes the snapshot; the second one started stands by."""

from __future__ import annotations

import signal
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from monitoring import alerts, audit
from monitoring.breakers import Journal
from monitoring.health.probes.runner import the_runner
from monitoring.health.readiness.history import Keeper
from monitoring.metrics import aggregate, ticks
from monitoring.metrics.flush import connect
from monitoring.queries.store import Collector


class Command(BaseCommand):
    help = "Aggregate metrics until stopped."
    requires_system_checks = ()  # they import all pages, which takes long

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="One round, whoever else aggregates.")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        own = [Journal().tick, audit.Pruner().tick, alerts.Watch().tick, Collector().tick, Keeper().tick]
        also = [*own, *ticks.registered()]
        if once:
            aggregate.Aggregator(connect(settings.REDIS_URL), also).tick(time.time())
            alerts.Notifier().tick()
            return
        asked: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _: asked.append(received))
        notifier = alerts.Worker()
        the_runner().start()  # readiness goes by what the checks found
        aggregate.run(url=settings.REDIS_URL, is_asked_to_stop=lambda: bool(asked), also=[*also, notifier.tick])
        notifier.stop()
