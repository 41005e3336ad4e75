"""`manage.py bootstrap`: migrates, collects static files, makes the default workspace, the roles and a first admin."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from holdfast.bootstrap import bootstrap, static_is_current
from monitoring import events

# of Plotly's package data, all but plotly.min.js: nothing of ours refers to it
LEFT_OUT = ["widgetbundle.js", "datasets", "plotly/templates"]


class Command(BaseCommand):
    help = "Migrate, collect static files, create the default workspace, the roles and a first admin where missing."
    requires_system_checks = ()  # they look for the folder of static files, which is made here

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="set new flags as the demonstration wants them")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        call_command("migrate", interactive=False, verbosity=0)
        if not static_is_current(settings.STATIC_ROOT / "staticfiles.json"):
            call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=LEFT_OUT)
        started = f"Holdfast {settings.HOLDFAST_VERSION} started"
        events.record(kind="start", text=started, at=now)
        admin = bootstrap(
            password=settings.HOLDFAST_ADMIN_PASSWORD, folder=settings.HOLDFAST_DIR, now=now, demo=options["demo"]
        )
        if admin.made:
            self.stdout.write(f"First admin: {admin.name}, password {admin.made} (shown this once)")
        # read by `up`, and by scripts: the name, and the password's file if there is one
        self.stdout.write(f"admin {admin.name} {admin.file or '-'}")
