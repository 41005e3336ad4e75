"""The admin of workspaces, their keys and their settings."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from memory.admin.base import Listing
from memory.models import ApiKey, Tuning, Workspace


@admin.register(Workspace)
class WorkspaceAdmin(Listing):
    list_display = ("name", "is_active", "created_at")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # a workspace takes everything with it: switch it off instead


@admin.register(ApiKey)
class ApiKeyAdmin(Listing):
    """Keys are made on the command line, which shows them once; here they are listed, limited and revoked."""

    list_display = ("name", "hint", "workspace", "scope", "expires_at", "revoked_at")
    list_filter = ("workspace", "scope")
    readonly_fields = ("hint", "workspace", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Tuning)
class TuningAdmin(Listing):
    """Every version of the settings; they are edited on a page of their own, with defaults, bounds and a preview."""

    list_display = ("__str__", "workspace", "terms", "actor", "reason", "created_at")
    list_filter = ("workspace",)
    search_fields = ("actor", "reason")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # history stays

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return redirect("tuning-choose")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        version = get_object_or_404(Tuning, pk=object_id)
        return redirect(f"{reverse('tuning', args=[version.workspace_id])}?number={version.number}")
