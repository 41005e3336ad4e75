"""The admin of memory's nouns. Edits go through the same verbs as the API, so rules and revisions are the same."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from unfold.admin import ModelAdmin, TabularInline

from flags import rollout
from flags.models import Unit
from memory import catalogue, remember
from memory.errors import HoldfastError
from memory.models import ApiKey, Conversation, Decision, Job, Memory, Message, Revision, State, Workspace
from memory.providers import configured


class ReadOnly:
    """What the pipeline writes is looked at here, not changed."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class Listing(ModelAdmin):  # type: ignore[misc]
    show_full_result_count = False
    list_per_page = 50
    ordering: ClassVar = ("-id",)
    compressed_fields = True


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
class MemoryAdmin(Listing):
    """Find, edit and forget memories. A changed text is a revision and is embedded again."""

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
    )
    readonly_fields = (*fields[6:],)
    list_before_template = "memory/left_out.html"
    inlines: ClassVar = (RevisionInline, DecisionInline)
    actions: ClassVar = ("forget_selected",)

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
        self._forget(request, obj)

    @admin.action(description="Forget: erase the text for good", permissions=["delete"])
    def forget_selected(self, request: HttpRequest, memories: QuerySet[Memory]) -> None:
        for memory in memories:
            self._forget(request, memory)
        self.message_user(request, "Forgotten. The text is erased and can't be restored.", messages.SUCCESS)

    def _forget(self, request: HttpRequest, memory: Memory) -> None:
        remember.forget(
            workspace_id=memory.workspace_id,
            memory_id=memory.pk,
            actor=request.user.get_username(),
            now=timezone.now(),
        )


@admin.register(Decision)
class DecisionAdmin(ReadOnly, Listing):
    list_display = ("text", "outcome", "user_id", "took_ms", "created_at")
    list_filter = ("outcome", "workspace")
    search_fields = ("text", "user_id")


@admin.register(Job)
class JobAdmin(ReadOnly, Listing):
    list_display = ("id", "kind", "state", "priority", "user_id", "attempts", "error", "created_at", "finished_at")
    list_filter = ("state", "kind", "priority")
    search_fields = ("user_id", "error")
