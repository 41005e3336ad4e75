"""The slowest requests and jobs of each minute, kept 30 d: what they were, and where their time went."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from monitoring.ids import uuid7


class SlowRequest(models.Model):
    """One request or job. Nothing of what was asked or answered is kept, only names, ids and durations."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(help_text="When it ended.")
    operation = models.CharField(max_length=100, help_text="The name of its latency series.")
    method = models.CharField(max_length=8, blank=True, help_text="Empty for a job.")
    status = models.PositiveSmallIntegerField(default=0, help_text="Of HTTP; 0 for a job.")
    is_failed = models.BooleanField(default=False)
    seconds = models.FloatField()
    parts = models.JSONField(default=dict, help_text="By part the seconds spent and the number of times.")
    trace_id = models.CharField(max_length=32)
    request_id = models.CharField(max_length=64, blank=True)
    job_id = models.CharField(max_length=36, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["at"], name="slowrequest_age"),
            models.Index(fields=["operation", "-at"], name="slowrequest_operation"),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.seconds:.3f} s"
