"""The events that annotate charts."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils import timezone

from monitoring.ids import uuid7


class EventQuerySet(models.QuerySet["Event"]):
    def between(self, start: datetime, end: datetime) -> EventQuerySet:
        """Events at `start` or later and before `end`, the latest first."""
        return self.filter(at__gte=start, at__lt=end).order_by("-at", "-id")


class Event(models.Model):
    """Something that happened at a moment and that a chart should show."""

    class Tone(models.TextChoices):
        OK = "ok", "Good"
        WARN = "warn", "Warning"
        CRIT = "crit", "Critical"
        HAND = "hand", "By hand"
        INFO = "info", "Information"

    TEXT_LENGTH = 200

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    kind = models.CharField(max_length=32, help_text='Such as "start", "flag", "breaker" or "alert".')
    text = models.CharField(max_length=TEXT_LENGTH)
    tone = models.CharField(max_length=4, choices=Tone.choices, default=Tone.INFO)
    actor = models.CharField(max_length=150, blank=True, help_text="Who did it; empty when the system did.")

    objects = EventQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"
