"""`manage.py load FILE…`: conversations from exports, through the same verbs as the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from memory.jobs.delivery import hints
from memory.load.load import Report, load
from memory.load.read import read
from memory.models import Priority, Workspace

SHOWN = 20  # bad records printed per file


class Command(BaseCommand):
    help = "Load a ChatGPT export, an OpenAI-style messages file, JSON Lines or LoCoMo's format. Again adds nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--workspace", default="default")
        parser.add_argument("--user", default="me", help="Whose conversations, where the file does not say.")

    def handle(self, *args: Any, files: list[Path], workspace: str, user: str, **options: Any) -> None:
        of = Workspace.objects.filter(name=workspace).first()
        if of is None:
            raise CommandError(f"No workspace {workspace!r}. Run `manage.py bootstrap` first.")
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        left_out = 0
        with Progress(*columns) as progress:
            for file in files:
                report = self.load(file, of, user, progress)
                self.tell(file, report)
                left_out += len(report.bad)
        if left_out:
            raise CommandError(f"{left_out} records were left out; the rest is loaded.")

    def load(self, file: Path, workspace: Workspace, user: str, progress: Progress) -> Report:
        """One file, with a bar over its messages."""
        try:
            # a first pass only counts: reading is a small part of loading
            total = sum(1 for _ in read(file, user_id=user))
        except OSError as problem:
            raise CommandError(f"Can't read {file}: {problem.strerror}.") from None
        bar = progress.add_task(file.name, total=total)

        def on_chunk(user_id: str, messages: int) -> None:
            progress.advance(bar, messages)
            hints.wake(Priority.BULK)

        records = read(file, user_id=user)
        return load(records, workspace_id=workspace.pk, clock=timezone.now, on_chunk=on_chunk)

    def tell(self, file: Path, report: Report) -> None:
        for bad in report.bad[:SHOWN]:
            self.stderr.write(f"left out: {bad.where}: {bad.reason}")
        if len(report.bad) > SHOWN:
            self.stderr.write(f"left out: {len(report.bad) - SHOWN} more")
        known = report.read - report.added
        self.stdout.write(f"{file.name}: {report.added} messages added, {known} known, {len(report.bad)} left out")
