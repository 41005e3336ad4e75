"""The nouns of memory. Every row belongs to a workspace; `access.py` scopes every query."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Cast
from pgvector.django import HalfVectorField

from monitoring.ids import uuid7
from monitoring.tracing.trace import CARRIED_LENGTH

DIMENSIONS = 256
EXACT_COUNT = 50_000  # rows that are counted rather than estimated
ID_LENGTH = 200  # of the identifiers that applications choose: users, agents, apps, runs, external ids


class Row(models.Model):
    """A row with a time-ordered id."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    def names(self, ids: Sequence[str]) -> dict[str, str]:
        """The names of those that are known, by id as text."""
        rows = self.annotate(text=Cast("pk", models.TextField())).filter(text__in=ids)
        return dict(rows.values_list("text", "name"))


class Workspace(Row):
    """A tenant."""

    name = models.SlugField(max_length=64, unique=True)
    is_active = models.BooleanField(default=True, help_text="An inactive workspace refuses its keys.")

    objects = WorkspaceQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Scope(models.TextChoices):
    """What a key may do. Each scope includes those before it."""

    READ = "read", "Read"
    WRITE = "write", "Read and write"
    ADMIN = "admin", "Everything"


class ApiKey(Row):
    """A credential of an application. Only its hash is kept: the key itself is shown once."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="keys")
    name = models.CharField(max_length=100)
    hash = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=16, editable=False, help_text="First characters, to recognise the key by.")
    scope = models.CharField(max_length=8, choices=Scope.choices, default=Scope.WRITE)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class Conversation(Row):
    """A thread of messages with its rolling summary."""

    # db_index=False, here and below: a longer index starts with the same column
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="conversations", db_index=False)
    external_id = models.CharField(max_length=ID_LENGTH, null=True, blank=True)
    user_id = models.CharField(max_length=ID_LENGTH)
    agent_id = models.CharField(max_length=ID_LENGTH, blank=True)
    app_id = models.CharField(max_length=ID_LENGTH, blank=True)
    run_id = models.CharField(max_length=ID_LENGTH, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    length = models.PositiveIntegerField(default=0, editable=False, help_text="Messages so far: the last position.")
    summary = models.TextField(blank=True)
    summary_through = models.PositiveIntegerField(default=0, help_text="Last position that the summary has folded in.")
    summary_version = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "external_id"], name="conversation_once_per_external_id")
        ]
        indexes: ClassVar = [models.Index(fields=["workspace", "user_id", "-id"], name="conversation_by_user")]

    def __str__(self) -> str:
        return self.external_id or str(self.id)


class Role(models.TextChoices):
    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL = "tool"


class Message(Row):
    """One turn, at its position in the conversation."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages", db_index=False)
    position = models.PositiveIntegerField()
    role = models.CharField(max_length=16, choices=Role.choices)
    name = models.CharField(max_length=ID_LENGTH, blank=True)
    content = models.TextField()
    tokens = models.PositiveIntegerField(help_text="Estimated.")
    external_id = models.CharField(max_length=ID_LENGTH, null=True, blank=True)
    recalled = models.BooleanField(default=False, help_text="Came out of memory: never extracted again.")
    said_at = models.DateTimeField(help_text="When it was said, which may be long before it was posted.")
    # no foreign key: jobs are pruned long before messages
    job_id = models.UUIDField(null=True, editable=False, help_text="The job that processes it.")
    processed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["conversation", "position"], name="message_once_per_position"),
            models.UniqueConstraint(fields=["conversation", "external_id"], name="message_once_per_external_id"),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.position}"


class Kind(models.TextChoices):
    """What a memory is about."""

    IDENTITY = "identity"
    PREFERENCE = "preference"
    HABIT = "habit"
    PLAN = "plan"
    RELATION = "relation"
    WORK = "work"
    PLACE = "place"
    HEALTH = "health"
    CONSTRAINT = "constraint"
    POSSESSION = "possession"
    OTHER = "other"


class State(models.TextChoices):
    ACTIVE = "active"
    SUPERSEDED = "superseded"
    MERGED = "merged"
    FORGOTTEN = "forgotten"


class MemoryQuerySet(models.QuerySet["Memory"]):
    def active(self) -> MemoryQuerySet:
        return self.filter(state=State.ACTIVE)

    def active_count(self) -> float:
        """Active memories of all workspaces: exact while few, else PostgreSQL's estimate, which costs nothing."""
        with connection.cursor() as cursor:
            # the unique index covers just the active ones; its row count is as of the last analyze
            cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'memory_active_once_per_text'")
            estimate = float(cursor.fetchone()[0])
        return estimate if estimate > EXACT_COUNT else float(self.active().count())

    def of(self, workspace_id: uuid.UUID, user_id: str) -> MemoryQuerySet:
        return self.filter(workspace_id=workspace_id, user_id=user_id)

    def unexpired(self, now: datetime) -> MemoryQuerySet:
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now))


class Memory(Row):
    """One fact about a user, with its state and where it came from."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memories", db_index=False)
    user_id = models.CharField(max_length=ID_LENGTH)
    agent_id = models.CharField(max_length=ID_LENGTH, blank=True)
    app_id = models.CharField(max_length=ID_LENGTH, blank=True)
    run_id = models.CharField(max_length=ID_LENGTH, blank=True)
    text = models.TextField(blank=True, help_text="Empty once forgotten.")
    text_hash = models.CharField(max_length=64, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.OTHER)
    state = models.CharField(max_length=16, choices=State.choices, default=State.ACTIVE)
    replaced_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replaces")
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    importance = models.FloatField(default=0.5, help_text="0 to 1.")
    pinned = models.BooleanField(default=False, help_text="Always part of the context.")
    metadata = models.JSONField(default=dict, blank=True)
    embedding = HalfVectorField(dimensions=DIMENSIONS, null=True, editable=False)
    embedding_model = models.CharField(max_length=64, blank=True, editable=False)
    search = models.GeneratedField(
        expression=SearchVector("text", config="english"), output_field=SearchVectorField(), db_persist=True
    )
    source = models.ForeignKey(Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="memories")
    version = models.PositiveIntegerField(default=1, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = MemoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "memories"
        constraints: ClassVar = [
            # the last word on exact duplicates, whatever two workers do at once
            models.UniqueConstraint(
                fields=["workspace", "user_id", "agent_id", "app_id", "run_id", "text_hash"],
                condition=Q(state="active"),
                name="memory_active_once_per_text",
            )
        ]
        indexes: ClassVar = [
            # read by lists, search and context: one user's memories of a state, newest first
            models.Index(fields=["workspace", "user_id", "state", "-id"], name="memory_by_user"),
            models.Index(
                fields=["workspace", "user_id"], condition=Q(pinned=True, state="active"), name="memory_pinned"
            ),
            GinIndex(fields=["search"], name="memory_search"),
        ]

    def __str__(self) -> str:
        return self.text[:80] or f"({self.state})"


class Cause(models.TextChoices):
    """Why a memory got the text that it has."""

    EXTRACTED = "extracted"
    ADDED = "added"
    EDITED = "edited"
    FORGOTTEN = "forgotten"


class Revision(Row):
    """A text that a memory had, with who gave it and why."""

    memory = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="revisions", db_index=False)
    number = models.PositiveIntegerField()
    text = models.TextField(blank=True)
    cause = models.CharField(max_length=16, choices=Cause.choices)
    actor = models.CharField(max_length=200)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["memory", "number"], name="revision_once_per_number")]

    def __str__(self) -> str:
        return f"revision {self.number}"


class Outcome(models.TextChoices):
    ADDED = "added"
    DUPLICATE = "duplicate"


class Decision(Row):
    """Why a fact was added or found to be known already: the candidates, their similarity, the guards that fired."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    user_id = models.CharField(max_length=ID_LENGTH)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    memory = models.ForeignKey(Memory, null=True, on_delete=models.SET_NULL, related_name="decisions")
    message = models.ForeignKey(Message, null=True, on_delete=models.SET_NULL, related_name="decisions", db_index=False)
    ordinal = models.PositiveSmallIntegerField(default=0, help_text="Of the fact within its message.")
    text = models.TextField(blank=True)
    span = models.JSONField(null=True, help_text="Where in the message the fact was said: [start, end].")
    trace = models.JSONField(default=list, help_text="Candidates with similarity, guards and their evidence.")
    thresholds = models.JSONField(default=dict)
    model = models.CharField(max_length=64, blank=True)
    took_ms = models.FloatField(default=0)

    class Meta:
        constraints: ClassVar = [
            # one decision per fact of a message: processing a message twice cannot have two effects
            models.UniqueConstraint(fields=["message", "ordinal"], name="decision_once_per_fact")
        ]
        indexes: ClassVar = [models.Index(fields=["workspace", "user_id", "-id"], name="decision_by_user")]

    def __str__(self) -> str:
        return self.outcome


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
