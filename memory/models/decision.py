"""Why memories are as they are, and proof that forgotten ones are gone."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from memory.models.conversation import Message
from memory.models.memory import Memory, State
from memory.models.row import ID_LENGTH, Row
from memory.models.tenant import Workspace


class Outcome(models.TextChoices):
    """What became of a fact, or of a memory that somebody decided about."""

    ADDED = "added"
    DUPLICATE = "duplicate"
    MERGED = "merged"
    SUPERSEDED = "superseded"
    KEPT_APART = "kept_apart"
    REVIEW = "review"
    SPLIT = "split"
    RESTORED = "restored"


class DecidedBy(models.TextChoices):
    """Who decided."""

    REAL_TIME = "real_time"
    BATCH = "batch"
    PERSON = "person"


class DecisionQuerySet(models.QuerySet["Decision"]):
    def waiting(self) -> DecisionQuerySet:
        """The review queue: what nobody has decided yet, of memories that are both still there to decide about."""
        asked = self.filter(outcome=Outcome.REVIEW, resolved_at=None, undone_at=None)
        return asked.filter(memory__state=State.ACTIVE, other__state=State.ACTIVE)


class Decision(Row):
    """Why a fact was added, merged, superseded or kept apart: candidates, similarity, guards with their evidence.

    `memory` holds the fact now; `other` is the memory that was merged, superseded or is in question. `effects` are the
    memories that the decision changed, as they were and as they became: what undo needs, without any text.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    user_id = models.CharField(max_length=ID_LENGTH)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    by = models.CharField(max_length=16, choices=DecidedBy.choices, default=DecidedBy.REAL_TIME, db_default="real_time")
    actor = models.CharField(max_length=200, blank=True, default="", db_default="")
    reason = models.CharField(max_length=500, blank=True, default="", db_default="")
    memory = models.ForeignKey(Memory, null=True, on_delete=models.SET_NULL, related_name="decisions")
    other = models.ForeignKey(Memory, null=True, blank=True, on_delete=models.SET_NULL, related_name="questioned")
    message = models.ForeignKey(Message, null=True, on_delete=models.SET_NULL, related_name="decisions", db_index=False)
    ordinal = models.PositiveSmallIntegerField(default=0, help_text="Of the fact within its message.")
    text = models.TextField(blank=True)
    span = models.JSONField(null=True, help_text="Where in the message the fact was said: [start, end].")
    trace = models.JSONField(default=list, help_text="Candidates with similarity, guards and their evidence.")
    thresholds = models.JSONField(default=dict)
    model = models.CharField(max_length=64, blank=True)
    took_ms = models.FloatField(default=0)
    effects = models.JSONField(
        default=list,
        blank=True,
        db_default=models.Value([], models.JSONField()),
        help_text="Per memory changed: id, before and after, without texts.",
    )
    resolved_at = models.DateTimeField(null=True, blank=True, help_text="When a question was answered.")
    resolved_by = models.CharField(max_length=200, blank=True, default="", db_default="")
    resolution = models.CharField(max_length=16, blank=True, default="", db_default="", choices=Outcome.choices)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.CharField(max_length=200, blank=True, default="", db_default="")

    objects = DecisionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            # one decision per fact of a message: processing a message twice cannot have two effects
            models.UniqueConstraint(fields=["message", "ordinal"], name="decision_once_per_fact")
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "user_id", "-id"], name="decision_by_user"),
            models.Index(
                fields=["workspace", "-id"],
                condition=Q(outcome="review", resolved_at=None, undone_at=None),
                name="decision_waiting",
            ),
        ]

    def __str__(self) -> str:
        return self.outcome


class Erasure(Row):
    """That a memory's text, or all of a user, was erased: who asked, and what a search for it found afterwards."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    user_id = models.CharField(max_length=ID_LENGTH)
    memory_id = models.UUIDField(null=True, help_text="Null where all of the user was erased.")
    actor = models.CharField(max_length=200)
    reason = models.CharField(max_length=500, blank=True)
    report = models.JSONField(default=dict, help_text="Place by place: what was erased, what is left and why.")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["workspace", "-id"], name="erasure_by_workspace")]

    def __str__(self) -> str:
        return f"erasure of {self.memory_id or self.user_id}"
