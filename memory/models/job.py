"""The ledger of background work."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from memory.models.row import ID_LENGTH, Row
from memory.models.tenant import Workspace
from monitoring.tracing.trace import CARRIED_LENGTH


class Priority(models.IntegerChoices):
    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3
    BULK = 4


class JobState(models.TextChoices):
    """pending → running → succeeded, or failed (waits out a backoff, then runs again) → dead; cancelled by somebody."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"


WAITING = (JobState.PENDING, JobState.FAILED)  # may be claimed when due
OPEN = (*WAITING, JobState.RUNNING)
WAITS = Q(state__in=["failed", "pending"])


class Job(Row):
    """The outbox and the ledger of background work: the row is the job, a Celery message only a hint.

    Jobs of one user are done by one worker at a time; those without a user (`user_id` empty) by anybody.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    user_id = models.CharField(max_length=ID_LENGTH, blank=True)
    kind = models.CharField(max_length=32)
    key = models.CharField(max_length=100, blank=True, help_text="At most one waiting job of a kind has this key.")
    priority = models.PositiveSmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    state = models.CharField(max_length=16, choices=JobState.choices, default=JobState.PENDING)
    payload = models.JSONField(default=dict)
    result = models.JSONField(null=True)
    error = models.TextField(blank=True)
    history = models.JSONField(
        default=list, help_text="What went wrong or was done by hand, oldest first: at, event, why."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    available_at = models.DateTimeField(help_text="Not claimed before.")
    claim = models.UUIDField(null=True, help_text="Of the worker that holds the lease: fences a late one.")
    lease_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    trace = models.CharField(
        max_length=CARRIED_LENGTH,
        blank=True,
        default="",
        db_default="",
        help_text="The traceparent and the id of the request that asked for it.",
    )

    class Meta:
        constraints: ClassVar = [
            # the last word on asking for the same work twice while it waits
            models.UniqueConstraint(
                fields=["workspace", "kind", "user_id", "key"], condition=WAITS & ~Q(key=""), name="job_once_per_key"
            )
        ]
        indexes: ClassVar = [
            # the claim: what waits for one user
            models.Index(
                fields=["workspace", "user_id", "priority", "id"], condition=WAITS, name="job_waiting_by_user"
            ),
            # the claim and the dispatcher: what waits, most urgent first
            models.Index(fields=["priority", "id"], condition=WAITS, name="job_waiting"),
            # the sweeper: leases that ran out; and who is being worked for
            models.Index(fields=["lease_until"], condition=Q(state="running"), name="job_leases"),
            models.Index(fields=["workspace", "user_id"], condition=Q(state="running"), name="job_running_by_user"),
            models.Index(fields=["-id"], condition=Q(state="dead"), name="job_dead"),
            models.Index(fields=["workspace", "-id"], name="job_by_workspace"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"


class JobOutput(Row):
    """A piece of what a job makes for somebody to fetch, such as an export: JSON lines, compressed."""

    job_id = models.UUIDField(help_text="Pruned with its job.")
    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["job_id", "number"], name="output_once_per_number")]

    def __str__(self) -> str:
        return f"output {self.number}"
