"""The nouns of monitoring: series and the tiers of their points, and the events that annotate charts."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from monitoring.ids import uuid7


class Series(models.Model):
    """A named line of figures. Its slot is its place in the wide rows of `Second`, so a series is never deleted."""

    class Kind(models.TextChoices):
        LATENCY = "latency", "Latency"
        COUNTER = "counter", "Counter"
        GAUGE = "gauge", "Gauge"

    slot = models.PositiveSmallIntegerField(primary_key=True, help_text="From 1, as PostgreSQL counts array elements.")
    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)

    class Meta:
        verbose_name_plural = "series"

    def __str__(self) -> str:
        return self.name


class Second(models.Model):
    """Tier 1, kept 24 h: all series in one row a second. The table is partitioned by day, made by migration 0002."""

    second = models.BigIntegerField(primary_key=True, help_text="Epoch second, UTC.")
    points = ArrayField(
        models.FloatField(null=True), help_text="By slot: sum of a counter, count of a latency, value of a gauge."
    )


class MinuteChunk(models.Model):
    """Tier 2, kept 30 d: the sixty minutes of an hour of one series, made of its seconds.

    Of a latency series the figures are of observations per second; durations are in its sketches.
    """

    pk = models.CompositePrimaryKey("series_id", "hour")
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="+", db_index=False)
    hour = models.BigIntegerField(help_text="Epoch second at which the hour begins.")
    sums = ArrayField(models.FloatField(null=True), size=60)
    samples = ArrayField(models.FloatField(null=True), size=60, help_text="Seconds that have a point.")
    minima = ArrayField(models.FloatField(null=True), size=60)
    maxima = ArrayField(models.FloatField(null=True), size=60)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["hour"], name="minutechunk_hour")]


class Hour(models.Model):
    """Tier 3, kept 13 months: one hour of one series, made of its minutes."""

    pk = models.CompositePrimaryKey("series_id", "hour")
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="+", db_index=False)
    hour = models.BigIntegerField(help_text="Epoch second at which the hour begins.")
    sum = models.FloatField()
    samples = models.FloatField(help_text="Seconds that have a point.")
    minimum = models.FloatField()
    maximum = models.FloatField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["hour"], name="hour_hour")]


class LatencySketch(models.Model):
    """The durations of one latency series in `width` seconds: 10 (kept 24 h), 60 (30 d) or 3600 (13 months)."""

    pk = models.CompositePrimaryKey("series_id", "width", "start")
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="+", db_index=False)
    width = models.PositiveSmallIntegerField()
    start = models.BigIntegerField(help_text="Epoch second at which the window begins.")
    seconds = models.FloatField(help_text="Sum of the durations.")
    packed = models.BinaryField(help_text="monitoring.metrics.sketch.encode of {bucket: count}.")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["width", "start"], name="latencysketch_age")]


class Process(models.Model):
    """A process that reports metrics. Its last stored sequence tells a repeated blob from a new one."""

    name = models.CharField(max_length=200, primary_key=True, help_text="host:pid:random")
    sequence = models.BigIntegerField()
    seen = models.BigIntegerField(help_text="Epoch second of its last stored blob.")
    has_ended = models.BooleanField(default=False, help_text="It said good-bye, so nobody waits for it.")

    class Meta:
        verbose_name_plural = "processes"
        indexes: ClassVar = [models.Index(fields=["seen"], name="process_seen")]

    def __str__(self) -> str:
        return self.name


class Watermark(models.Model):
    """How far metrics are stored: one row, locked by whoever stores."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    sealed_until = models.BigIntegerField(help_text="Epoch second; all windows before it are stored.")


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


class Transition(models.Model):
    """A breaker went from one state to another, and why. Its id is made of the breaker, the version and the moment."""

    TEXT_LENGTH = 200

    id = models.UUIDField(primary_key=True, editable=False)
    name = models.CharField(max_length=300, help_text="The breaker's; of a family's member FAMILY/KEY.")
    version = models.BigIntegerField()
    at = models.DateTimeField(help_text="By Redis' clock.")
    before = models.CharField(max_length=12)
    after = models.CharField(max_length=12)
    cause = models.CharField(max_length=12, help_text='Such as "rate", "consecutive", "recovered" or "override".')
    reason = models.CharField(max_length=TEXT_LENGTH, blank=True)
    actor = models.CharField(max_length=150, blank=True, help_text="Who did it; empty when the breaker did.")
    open_s = models.FloatField(default=0, help_text="For how long it opened.")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["name", "at"], name="transition_name"),
            models.Index(fields=["at"], name="transition_age"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.before} → {self.after}"


class BreakerOverride(models.Model):
    """An operator's word on a breaker, until it expires or is ended. What stands here is what counts; Redis is told."""

    class Mode(models.TextChoices):
        FORCED_OPEN = "forced_open", "Forced open"
        DISABLED = "disabled", "Disabled"
        METRICS_ONLY = "metrics_only", "Metrics only"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=300, help_text="The breaker's.")
    mode = models.CharField(max_length=12, choices=Mode.choices)
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=200)
    since = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=150, blank=True, help_text="Empty when it expired.")
    end_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(ended_at=None), name="one_standing_override_of_a_breaker"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.mode} until {self.until:%H:%M}"
