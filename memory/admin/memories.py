"""The admin of memories. Acts go through the same verbs as the API, so rules and revisions are the same."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Field, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from unfold.admin import TabularInline

from flags import rollout
from flags.models import Unit
from memory import catalogue, remember
from memory.admin.base import Acting, Listing, ReadOnly, told
from memory.errors import HoldfastError
from memory.models import Decision, Erasure, Memory, Revision, State
from memory.providers import configured


class RevisionInline(ReadOnly, TabularInline):  # type: ignore[misc]
    model = Revision
    fields = ("number", "text", "cause", "actor", "reason", "created_at")
    readonly_fields = fields
    ordering = ("-number",)
    extra = 0
    tab = True


class DecisionInline(ReadOnly, TabularInline):  # type: ignore[misc]
    model = Decision
    fk_name = "memory"
    fields = ("outcome", "text", "trace", "model", "took_ms", "created_at")
    readonly_fields = fields
    ordering = ("-id",)
    extra = 0
    tab = True


@admin.register(Memory)
class MemoryAdmin(Acting, Listing):
    """Find, edit, merge, restore and forget memories. A changed text is a revision and is embedded again."""

    list_display = ("text", "user_id", "kind", "state", "is_pinned", "updated_at")
    list_filter = ("state", "kind", "pinned", "workspace")
    search_fields = ("text", "user_id")
    fields = (
        "text",
        "kind",
        "importance",
        "pinned",
        "expires_at",
        "metadata",
        "state",
        "user_id",
        "workspace",
        "source_text",
        "version",
        "valid_from",
        "valid_to",
        "embedding_model",
        "created_at",
        "updated_at",
        "variants",
        "proof",
    )
    readonly_fields = (*fields[6:],)
    list_before_template = "memory/left_out.html"
    inlines: ClassVar = (RevisionInline, DecisionInline)
    actions: ClassVar = ("merge_selected", "restore_selected", "forget_selected")

    @admin.display(description="Pinned", ordering="pinned")
    def is_pinned(self, memory: Memory) -> str:
        return "Pinned" if memory.pinned else ""  # a red cross on nearly every row would look like a fault

    @admin.display(description="Source message")
    def source_text(self, memory: Memory) -> str:
        source = memory.source
        return f"{source.said_at:%d %b %Y %H:%M} {source.name or source.role}: {source.content}" if source else "none"

    @admin.display(description="Variants")
    def variants(self, memory: Memory) -> str:
        """What this memory's user gets."""
        workspace = str(memory.workspace_id)
        asked = [entry for entry in catalogue.ALL if entry.unit is Unit.USER]
        got = [(entry, rollout.is_on(entry.name, memory.user_id, workspace=workspace)) for entry in asked]
        why = f"{reverse('rollouts-unit')}?{urlencode({'unit': memory.user_id, 'workspace': workspace})}"
        return render_to_string("memory/variants.html", {"got": got, "why": why})

    @admin.display(description="Erasure")
    def proof(self, memory: Memory) -> str:
        """Where a forgotten memory's text was erased, and what is left."""
        return told(Erasure.objects.filter(memory_id=memory.pk).order_by("-pk").first())

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        left_out = {"left_out": catalogue.who_is_left_out()}
        answer: HttpResponse = super().changelist_view(request, (extra_context or {}) | left_out)
        return answer

    def get_queryset(self, request: HttpRequest) -> QuerySet[Memory]:
        return Memory.objects.select_related("workspace", "source").defer("embedding", "search")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)  # forgetting keeps the trace; deleting would not
        return dict(actions)

    def has_change_permission(self, request: HttpRequest, obj: Memory | None = None) -> bool:
        forgotten = obj is not None and obj.state == State.FORGOTTEN
        return bool(not forgotten and super().has_change_permission(request, obj))

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "text":
            field.required = True  # only forgetting empties a text
        return field

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        # what the page asks about: nothing is deleted, the text is erased
        return [f"The text of: {memory}" for memory in objs], {"memories to forget": len(objs)}, set(), []

    def save_model(self, request: HttpRequest, obj: Memory, form: Any, change: bool) -> None:
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        try:
            remember.edit(
                workspace_id=obj.workspace_id,
                memory_id=obj.pk,
                providers=configured.standby(),
                actor=request.user.get_username(),
                now=timezone.now(),
                **changes,
            )
        except HoldfastError as refused:
            self.message_user(request, str(refused), messages.ERROR)

    def delete_model(self, request: HttpRequest, obj: Memory) -> None:
        self._forget(obj, workspace_id=obj.workspace_id, actor=request.user.get_username(), now=timezone.now())

    @admin.action(description="Forget: erase the text for good", permissions=["delete"])
    def forget_selected(self, request: HttpRequest, memories: QuerySet[Memory]) -> None:
        done = "{} forgotten. The text is erased and can't be restored; the memory's page says what is left, and where."
        self.each(request, memories, self._forget, done)

    @admin.action(description="Restore: make active again", permissions=["change"])
    def restore_selected(self, request: HttpRequest, memories: QuerySet[Memory]) -> None:
        self.each(request, memories, self._restore, "{} restored.")

    @admin.action(description="Merge: keep the richest, which the others point to", permissions=["change"])
    def merge_selected(self, request: HttpRequest, memories: QuerySet[Memory]) -> None:
        chosen = dict(memories.values_list("pk", "workspace_id"))
        if len(set(chosen.values())) > 1:
            refused = "These memories belong to different workspaces, and are never brought together."
            self.message_user(request, refused, messages.ERROR)
            return
        done = f"{len(chosen)} memories merged into one."
        self.each(request, memories[:1], partial(self._merge, list(chosen)), done)

    def _forget(self, memory: Memory, **who: Any) -> None:
        remember.forget(memory_id=memory.pk, providers=configured.standby(), **who)

    def _restore(self, memory: Memory, **who: Any) -> None:
        remember.restore(memory_id=memory.pk, **who)

    def _merge(self, ids: list[UUID], _: Memory, **who: Any) -> None:
        remember.merge(memory_ids=ids, providers=configured.standby(), **who)
