"""Conversations and what was said in them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from memory.models.row import ID_LENGTH, Row
from memory.models.tenant import Workspace


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
