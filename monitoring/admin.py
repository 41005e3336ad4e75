"""The admin of monitoring's nouns, to look at: the system writes them."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from monitoring.models import Event, Process, Series


class Written(ModelAdmin):  # type: ignore[misc]
    """Written by the system; nobody changes it here."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Event)
class EventAdmin(Written):
    list_display = ("at", "kind", "text", "tone", "actor")
    list_filter = ("kind", "tone")
    search_fields = ("text", "actor")
    ordering = ("-at",)


@admin.register(Series)
class SeriesAdmin(Written):
    list_display = ("name", "kind", "slot")
    list_filter = ("kind",)
    search_fields = ("name",)
    ordering = ("name",)


@admin.register(Process)
class ProcessAdmin(Written):
    list_display = ("name", "seen", "sequence", "has_ended")
    search_fields = ("name",)
    ordering = ("-seen",)
