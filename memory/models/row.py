"""What all rows have."""

from __future__ import annotations

from django.db import models

from monitoring.ids import uuid7

DIMENSIONS = 256
ID_LENGTH = 200  # of the identifiers that applications choose: users, agents, apps, runs, external ids


class Row(models.Model):
    """A row with a time-ordered id."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True
