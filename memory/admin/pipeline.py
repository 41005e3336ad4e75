"""The admin of what comes in and what is done with it: conversations and jobs."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from unfold.admin import TabularInline

from memory.admin.base import Listing, ReadOnly
from memory.models import Conversation, Job, Message


class MessageInline(ReadOnly, TabularInline):  # type: ignore[misc]
    model = Message
    fields = ("position", "role", "content", "said_at", "processed_at")
    readonly_fields = fields
    ordering = ("-position",)
    per_page = 30
    extra = 0
    tab = True


@admin.register(Conversation)
class ConversationAdmin(ReadOnly, Listing):
    list_display = ("__str__", "user_id", "length", "summary_through", "updated_at")
    list_filter = ("workspace",)
    search_fields = ("external_id", "user_id", "summary")
    inlines: ClassVar = (MessageInline,)


@admin.register(Job)
class JobAdmin(ReadOnly, Listing):
    list_display = ("id", "kind", "state", "priority", "user_id", "attempts", "error", "created_at", "finished_at")
    list_filter = ("state", "kind", "priority")
    search_fields = ("user_id", "error")
