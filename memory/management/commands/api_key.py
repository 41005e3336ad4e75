"""`manage.py api_key create NAME`: prints the new key alone, so that scripts can keep it in a variable."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from memory.access import create_key
from memory.models import ApiKey, Scope, Workspace


class Command(BaseCommand):
    help = "Create, list or revoke API keys."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="Make a key and print it. It is shown this once.")
        create.add_argument("name")
        create.add_argument("--workspace", default="default")
        create.add_argument("--scope", choices=Scope.values, default=Scope.WRITE)
        actions.add_parser("list", help="All keys, without their secret part.")
        revoke = actions.add_parser("revoke", help="End every key of this name.")
        revoke.add_argument("name")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        {"create": self.create, "list": self.list, "revoke": self.revoke}[action](**options)

    def create(self, *, name: str, workspace: str, scope: str, **_: Any) -> None:
        of = Workspace.objects.filter(name=workspace).first()
        if of is None:
            known = ", ".join(Workspace.objects.values_list("name", flat=True)) or "none; run `manage.py bootstrap`"
            raise CommandError(f"No workspace {workspace!r}. There is: {known}.")
        self.stdout.write(create_key(workspace=of, name=name, scope=Scope(scope))[1])

    def list(self, **_: Any) -> None:
        now = timezone.now()
        for key in ApiKey.objects.select_related("workspace").order_by("pk"):
            state = "valid" if key.is_valid(now) else "ended"
            self.stdout.write(f"{key.hint}…  {key.scope:<6} {state:<6} {key.workspace}  {key.name}")

    def revoke(self, *, name: str, **_: Any) -> None:
        ended = ApiKey.objects.filter(name=name, revoked_at=None).update(revoked_at=timezone.now())
        if not ended:
            raise CommandError(f"No valid key is named {name!r}. See `manage.py api_key list`.")
        self.stdout.write(f"Revoked {ended}. Processes stop accepting it within 5 seconds.")
