"""What breakers did, and what operators ordered them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from monitoring.ids import uuid7


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
