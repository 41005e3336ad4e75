"""What exposed and control units did: sums, never single requests. Written by the aggregator only."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from flags.models.flag import Flag


class CohortUnit(models.Model):
    """One unit under one version of a flag: the stratum that guards compare in. `log_latency` sums ln(milliseconds).

    Of a flag with very many units these are a sample: see CohortSample. A unit without requests was only exposed.
    """

    flag = models.ForeignKey(Flag, on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.PositiveIntegerField()
    unit = models.CharField(max_length=200)
    workspace = models.CharField(max_length=100, blank=True)
    is_exposed = models.BooleanField()
    is_mixed = models.BooleanField(default=False, help_text="It was in both arms, and is compared in neither.")
    requests = models.BigIntegerField(default=0)
    log_latency = models.FloatField(default=0)
    log_latency_sq = models.FloatField(default=0)
    slow = models.BigIntegerField(default=0)
    errors = models.BigIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("flag", "version", "unit"), name="flags_cohortunit_once"),)
        indexes = (models.Index(fields=("flag", "last_at"), name="flags_cohortunit_recent"),)


class CohortMinute(models.Model):
    """One arm of a flag in one minute. `failing` are some of the units that had an error in it."""

    FAILING = 20

    flag = models.ForeignKey(Flag, on_delete=models.CASCADE, related_name="+", db_index=False)
    minute = models.DateTimeField()
    is_exposed = models.BooleanField()
    requests = models.BigIntegerField(default=0)
    log_latency = models.FloatField(default=0)
    slow = models.BigIntegerField(default=0)
    errors = models.BigIntegerField(default=0)
    failing = ArrayField(models.CharField(max_length=200), default=list)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("flag", "minute", "is_exposed"), name="flags_cohortminute_once"),
        )


class CohortShare(models.Model):
    """The share that a version of a flag was evaluated with; `draw` tells who was in first (unit and salt)."""

    flag = models.ForeignKey(Flag, on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.PositiveIntegerField()
    percent = models.DecimalField(max_digits=6, decimal_places=3)
    draw = models.CharField(max_length=100)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("flag", "version"), name="flags_cohortshare_once"),)


class CohortSample(models.Model):
    """How often the units of a flag, too many to keep them all, were halved."""

    flag = models.OneToOneField(Flag, primary_key=True, on_delete=models.CASCADE, related_name="+")
    halvings = models.PositiveSmallIntegerField()


class CohortSource(models.Model):
    """A process that measures. The sequence stored last tells a blob that comes again from a new one."""

    process = models.CharField(max_length=200, primary_key=True)
    sequence = models.BigIntegerField()
    seen = models.DateTimeField()
