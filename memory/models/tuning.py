"""The settings of a workspace, every version of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from memory.models.row import Row
from memory.models.tenant import Workspace


class Tuning(Row):
    """One version of a workspace's settings: only what differs from the defaults. The highest number holds."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="tunings", db_index=False)
    number = models.PositiveIntegerField()
    terms = models.JSONField(default=dict, blank=True)
    actor = models.CharField(max_length=200)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "number"], name="tuning_once_per_number")]

    def __str__(self) -> str:
        return f"version {self.number}"
