"""What is remembered, and every text that it had."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import connection, models
from django.db.models import Q
from pgvector.django import HalfVectorField, HnswIndex

from memory.models.conversation import Message
from memory.models.row import DIMENSIONS, ID_LENGTH, Row
from memory.models.tenant import Workspace

EXACT_COUNT = 50_000  # rows that are counted rather than estimated


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
    in_large_scope = models.BooleanField(
        default=False, db_default=False, editable=False, help_text="In the vector index, as are all of a large scope."
    )
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
            # of large scopes only: a small one is read as a whole, faster and exactly, and need not pay for the index
            HnswIndex(
                fields=["embedding"],
                opclasses=["halfvec_cosine_ops"],
                condition=Q(state="active", in_large_scope=True),
                name="memory_vector",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:80] or f"({self.state})"


class Cause(models.TextChoices):
    """Why a memory got the text that it has."""

    EXTRACTED = "extracted"
    ADDED = "added"
    EDITED = "edited"
    MERGED = "merged"
    SUPERSEDED = "superseded"
    SPLIT = "split"
    RESTORED = "restored"
    UNDONE = "undone"
    FORGOTTEN = "forgotten"


class Revision(Row):
    """A text that a memory had, with who gave it and why."""

    memory = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="revisions", db_index=False)
    number = models.PositiveIntegerField()
    text = models.TextField(blank=True)
    cause = models.CharField(max_length=16, choices=Cause.choices)
    actor = models.CharField(max_length=200)
    reason = models.CharField(max_length=500, blank=True)
    restores = models.PositiveIntegerField(
        null=True, blank=True, help_text="Number of the revision that undoing has brought back."
    )

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["memory", "number"], name="revision_once_per_number")]

    def __str__(self) -> str:
        return f"revision {self.number}"
