"""What readiness was, minute by minute, and what drills found."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models

from monitoring.ids import uuid7


class ReadinessResult(models.Model):
    """One assessment. Kept for 30 days as it was made, then one an hour for 13 months."""

    at = models.DateTimeField(primary_key=True)
    score = models.FloatField(null=True, help_text="0 to 100; empty where nothing was known.")
    confidence = models.FloatField(help_text="Percent of the weight of all rules whose value was known and fresh.")
    level = models.CharField(max_length=8, blank=True, help_text="The highest level whose rules are all met.")
    rules = models.JSONField(default=dict, help_text="{rule: [state, measured value]}.")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}: {self.score}"


class DrillQuerySet(models.QuerySet["DrillResult"]):
    def running(self) -> DrillQuerySet:
        return self.filter(finished_at=None)

    def finished(self) -> DrillQuerySet:
        return self.exclude(finished_at=None)

    def latest_of_each(self) -> DrillQuerySet:
        """The last finished one of every drill."""
        return self.finished().order_by("name", "-started_at").distinct("name")


class DrillResult(models.Model):
    """One run of a drill; while it runs it has no end, and no second one of its kind may begin."""

    LOST_AFTER: ClassVar = timedelta(seconds=60)  # a run without an end that began so long ago was killed

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=40)
    scope = models.CharField(max_length=64, help_text="What it made for itself is named so.")
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    passed = models.BooleanField(default=False)
    cleaned_up = models.BooleanField(default=False)
    took_ms = models.FloatField(default=0)
    summary = models.CharField(max_length=500, blank=True)
    steps = models.JSONField(default=list, help_text="[{name, passed, took_ms, detail}].")
    figures = models.JSONField(default=list, help_text="[{name, value, unit, target, at_most, passed}].")

    objects = DrillQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(finished_at=None), name="one_running_drill_of_a_kind"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["name", "-started_at"], name="drill_latest")]

    def __str__(self) -> str:
        return f"{self.name}: {'passed' if self.passed else 'failed'}"

    def is_lost(self, now: datetime) -> bool:
        """Whether the process that ran it is gone."""
        return self.finished_at is None and self.started_at < now - self.LOST_AFTER
