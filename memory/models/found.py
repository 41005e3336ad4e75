"""What search and figures need beside the rows themselves."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from pgvector.django import HalfVectorField, HnswIndex

from memory.models.conversation import Conversation, Message, Role
from memory.models.memory import Memory
from memory.models.row import DIMENSIONS, ID_LENGTH, Row
from memory.models.tenant import Workspace


class IndexedMessage(models.Model):
    """A message as search finds it: its words in their stems, its vector, and what tells a statement from chatter."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, primary_key=True, related_name="indexed")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    user_id = models.CharField(max_length=ID_LENGTH)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+", db_index=False)
    position = models.PositiveIntegerField()
    role = models.CharField(max_length=16, choices=Role.choices)
    speaker = models.CharField(max_length=ID_LENGTH, blank=True, help_text="Lower case; empty where nobody is named.")
    said_at = models.DateTimeField()
    words = SearchVectorField(help_text="Of speaker, date and content, in their stems.")
    length = models.PositiveIntegerField(help_text="Words without stop words.")
    marks = models.PositiveSmallIntegerField(default=0, help_text="Bits: 1 asks, 2 speaks of itself.")
    embedding = HalfVectorField(dimensions=DIMENSIONS, null=True)
    embedding_model = models.CharField(max_length=64, blank=True)
    in_large_scope = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace", "user_id", "conversation", "position"], name="indexed_by_user"),
            models.Index(fields=["conversation", "position"], name="indexed_by_conversation"),
            # of large scopes only, as memory_vector: a small one is read as a whole
            GinIndex(fields=["words"], condition=Q(in_large_scope=True), name="indexed_words"),
            HnswIndex(
                fields=["embedding"],
                opclasses=["halfvec_cosine_ops"],
                condition=Q(in_large_scope=True),
                name="indexed_vector",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.speaker or self.role} {self.position}"


class Tally(models.Model):
    """How many rows a user has: kept by triggers, in the transaction of whoever writes. No foreign key, see there."""

    pk = models.CompositePrimaryKey("workspace_id", "user_id")
    workspace_id = models.UUIDField()
    user_id = models.CharField(max_length=ID_LENGTH)
    active = models.IntegerField(default=0, db_default=0, help_text="Active memories.")
    messages = models.IntegerField(default=0, db_default=0, help_text="Indexed messages.")
    is_large = models.BooleanField(default=False, db_default=False, help_text="Memories are in the vector index.")
    has_many_messages = models.BooleanField(
        default=False, db_default=False, help_text="Messages are in the vector index."
    )

    def __str__(self) -> str:
        return f"{self.user_id}: {self.active}"


class Served(Row):
    """How often a memory was part of a context, by day."""

    memory = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="served", db_index=False)
    day = models.DateField()
    times = models.PositiveIntegerField(default=0)
    ranks = models.PositiveBigIntegerField(default=0, help_text="Sum of its places, 1 is first.")
    of = models.PositiveBigIntegerField(default=0, help_text="Sum of the numbers of memories that were told.")
    tokens = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["memory", "day"], name="served_once_per_day")]

    def __str__(self) -> str:
        return f"{self.times} on {self.day}"
