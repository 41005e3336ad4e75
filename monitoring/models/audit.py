"""The record of who changed what."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from monitoring.ids import uuid7


class AuditEntry(models.Model):
    """Somebody did something: written once, with what it changed. A trigger of migration 0008 refuses any change."""

    SUBJECT_LENGTH, REASON_LENGTH, ACTION_LENGTH = 300, 500, 64

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    action = models.CharField(max_length=ACTION_LENGTH, help_text='A noun and a verb, such as "alert.acknowledge".')
    subject = models.CharField(max_length=SUBJECT_LENGTH, help_text="The name or id of what was changed.")
    before = models.JSONField(null=True, help_text="What it was; only what changed.")
    after = models.JSONField(null=True, help_text="What it became.")
    reason = models.CharField(max_length=REASON_LENGTH, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes: ClassVar = [
            models.Index(fields=["-at", "-id"], name="audit_at"),
            models.Index(fields=["actor", "-at"], name="audit_actor"),
            models.Index(fields=["subject", "-at"], name="audit_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.subject}"
