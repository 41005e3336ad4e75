"""`manage.py demo`: loads the demonstration set into an empty database, then replays some of it at a gentle rate."""

from __future__ import annotations

import http.client
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from memory.access import create_key
from memory.jobs.delivery import hints
from memory.load import replay
from memory.load.load import load
from memory.load.records import Turn
from memory.load.visitors import visitors
from memory.models import ApiKey, Conversation, Priority, Workspace

KEY = "demo"
AWAY_S = 5.0  # wait after an answer that did not come


class Command(BaseCommand):
    help = "Load the demonstration set into an empty database and replay it through the API until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="Of the running Holdfast.")
        parser.add_argument("--no-replay", action="store_true", help="Only load.")

    def handle(self, *args: Any, url: str, no_replay: bool, **options: Any) -> None:
        workspace = Workspace.objects.order_by("pk")[:1].get()
        turns = replay.turns(now=timezone.now())
        if not Conversation.objects.exists():
            report = load(
                turns,
                workspace_id=workspace.pk,
                clock=timezone.now,
                on_chunk=lambda user_id, messages: hints.wake(Priority.LOW),
                priority=Priority.LOW,
            )
            self.stdout.write(f"Loaded {report.added} messages of {len(report.users)} users.")
        if not no_replay:
            self.replay(workspace, turns, url)

    def replay(self, workspace: Workspace, turns: list[Turn], url: str) -> None:
        ApiKey.objects.filter(workspace=workspace, name=KEY).delete()  # of the run before: nobody has it any more
        client = replay.Client(url, create_key(workspace=workspace, name=KEY)[1])
        client.wait()
        meanwhile = visitors(client, turns).meanwhile
        while True:
            for said in replay.conversations(turns):
                try:
                    replay.replay(said, client=client, sleep=meanwhile)
                except (OSError, http.client.HTTPException, KeyError) as problem:
                    self.stderr.write(f"The replay waits: {type(problem).__name__}.")
                    time.sleep(AWAY_S)
