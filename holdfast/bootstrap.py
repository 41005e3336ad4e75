"""Makes what a new installation needs: the default workspace, the roles, the flags and a first admin."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.contrib.auth.models import Group, Permission, User
from django.contrib.staticfiles.finders import get_finders
from django.db import transaction

from flags import change
from holdfast import demonstration
from memory.models import Workspace

WORKSPACE = "default"
APPS = ("memory", "flags", "monitoring")
ROLES = {"viewer": ("view",), "operator": ("view", "change"), "admin": ("view", "change", "add", "delete", "approve")}


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """Who may sign in, and where the password is: `made` is the password if it was made just now."""

    name: str
    file: Path | None
    made: str | None


def bootstrap(*, password: str, folder: Path, now: datetime, demo: bool = False) -> FirstAdmin:
    """Create what is missing; running it again changes nothing. With `demo`, new flags are as it wants them.

    The admin's password is the one given, or random and kept in `folder`/admin_password (mode 0600).
    """
    with transaction.atomic():
        Workspace.objects.get_or_create(name=WORKSPACE)
        for role, actions in ROLES.items():
            _role(role, actions)
        made = change.seed(now=now)
        if demo:
            demonstration.set_flags(made, now=now)
    return _first_admin(password, folder / "admin_password")


def static_is_current(manifest: Path) -> bool:
    """Whether nothing has changed in the static files since they were collected: fingerprinting all takes seconds."""
    if not manifest.exists():
        return False
    # the inode's time, not the content's: an upgraded package brings files with old dates
    sources = (storage.path(name) for finder in get_finders() for name, storage in finder.list([]))
    return manifest.stat().st_mtime > max(Path(source).stat().st_ctime for source in sources)


def _role(name: str, actions: tuple[str, ...]) -> None:
    group, _ = Group.objects.get_or_create(name=name)
    of_apps = Permission.objects.filter(content_type__app_label__in=APPS)
    group.permissions.set([p for p in of_apps if p.codename.partition("_")[0] in actions])


def _first_admin(password: str, file: Path) -> FirstAdmin:
    known = User.objects.filter(is_superuser=True).order_by("pk").first()
    if known is not None:
        return FirstAdmin(known.username, file if file.exists() else None, None)
    made = None if password else secrets.token_urlsafe(12)
    if made is not None:
        _keep(file, made)
    User.objects.create_superuser("admin", password=password or made)
    return FirstAdmin("admin", file if made else None, made)


def _keep(file: Path, password: str) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as out:
        out.write(password + "\n")
