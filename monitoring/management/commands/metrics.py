"""`manage.py metrics`: what is kept of the series, and what is older than that."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from monitoring import formats
from monitoring.metrics import read
from monitoring.metrics.store import retain
from monitoring.models import Series


class Command(BaseCommand):
    help = "List the series, or drop what is older than its tier keeps."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        listed = acts.add_parser("series", help="The names and kinds of all series.")
        listed.add_argument("prefix", nargs="?", default="", help="Only those whose name starts like this.")
        prune = acts.add_parser("prune", help="Drop what is past; the aggregator does it by itself once an hour.")
        prune.add_argument("--dry-run", action="store_true", help="Say what would go, and drop nothing.")

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        if act == "series":
            self._series(options["prefix"])
        else:
            self._prune(int(time.time()), is_dry=options["dry_run"])

    def _series(self, prefix: str) -> None:
        kinds = dict(Series.objects.values_list("name", "kind"))
        for name in read.names(prefix):
            self.stdout.write(f"{kinds[name]:<8} {name}")

    def _prune(self, now: int, *, is_dry: bool) -> None:
        past = retain.past(now=now)
        for tier in past:
            what = f"{tier.rows:,} rows, {formats.size(tier.size)}"
            if tier.partitions:
                what = f"{len(tier.partitions)} partitions ({', '.join(tier.partitions)}), {what}"
            self.stdout.write(f"{tier.tier}, kept {formats.age(tier.kept_s)}: {what}")
        whole = f"{sum(tier.rows for tier in past):,} rows, {formats.size(sum(tier.size for tier in past))}"
        if is_dry:
            self.stdout.write(f"would go: {whole}")
            return
        retain.prune(now=now)
        self.stdout.write(f"gone: {whole}")
