"""Workspaces and their keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import models
from django.db.models.functions import Cast

from memory.models.row import Row


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    def names(self, ids: Sequence[str]) -> dict[str, str]:
        """The names of those that are known, by id as text."""
        rows = self.annotate(text=Cast("pk", models.TextField())).filter(text__in=ids)
        return dict(rows.values_list("text", "name"))


class Workspace(Row):
    """A tenant."""

    name = models.SlugField(max_length=64, unique=True)
    is_active = models.BooleanField(default=True, help_text="An inactive workspace refuses its keys.")

    objects = WorkspaceQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Scope(models.TextChoices):
    """What a key may do. Each scope includes those before it."""

    READ = "read", "Read"
    WRITE = "write", "Read and write"
    ADMIN = "admin", "Everything"


class ApiKey(Row):
    """A credential of an application. Only its hash is kept: the key itself is shown once."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="keys")
    name = models.CharField(max_length=100)
    hash = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=16, editable=False, help_text="First characters, to recognise the key by.")
    scope = models.CharField(max_length=8, choices=Scope.choices, default=Scope.WRITE)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)
