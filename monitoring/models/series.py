"""Series, the tiers of their points, and the processes that report."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models


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
    """The durations of one latency series in `width` seconds: 10 (kept 24 h), 60 (30 d), 3600 or 86400 (13 months)."""

    pk = models.CompositePrimaryKey("series_id", "width", "start")
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="+", db_index=False)
    width = models.PositiveIntegerField()
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
