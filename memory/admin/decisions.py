"""The admin of decisions, which are taken back and answered here, and of the proofs of erasure."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from memory import remember
from memory.admin.base import Acting, Listing, ReadOnly, told
from memory.models import Decision, Erasure, Outcome
from memory.providers import configured


class WaitingFilter(admin.SimpleListFilter):
    """Questions by whether somebody has answered them."""

    title = "review"
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Waits for an answer"), ("answered", "Answered")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Decision]) -> QuerySet[Decision]:
        if self.value() == "yes":
            return queryset.filter(pk__in=Decision.objects.waiting().values("pk"))
        if self.value() == "answered":
            return queryset.filter(outcome=Outcome.REVIEW).exclude(resolved_at=None)
        return queryset


@admin.register(Decision)
class DecisionAdmin(Acting, ReadOnly, Listing):
    """Look why memories are as they are; take decisions back, and answer the questions that wait."""

    list_display = ("text", "outcome", "by", "stands", "user_id", "took_ms", "created_at")
    list_filter = ("outcome", "by", WaitingFilter, "workspace")
    search_fields = ("text", "user_id")
    actions: ClassVar = ("undo_selected", "answer_same", "answer_replace", "answer_apart")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("memory.change_memory"))

    @admin.display(description="Stands")
    def stands(self, decision: Decision) -> str:
        if decision.undone_at is not None:
            return f"Undone by {decision.undone_by or 'the system'}"
        if decision.outcome != Outcome.REVIEW:
            return ""
        return f"Answered: {decision.resolution}" if decision.resolved_at is not None else "Waits"

    @admin.action(description="Undo: put the memories back as they were", permissions=["decide"])
    def undo_selected(self, request: HttpRequest, decisions: QuerySet[Decision]) -> None:
        # the latest first: what came later has to be undone before
        self.each(request, decisions.order_by("-pk"), self._undo, "{} undone.")

    @admin.action(description="Answer: the same, merge them", permissions=["decide"])
    def answer_same(self, request: HttpRequest, decisions: QuerySet[Decision]) -> None:
        self.each(request, decisions, partial(self._answer, "same"), "{} answered: merged.")

    @admin.action(description="Answer: the newer replaces the older", permissions=["decide"])
    def answer_replace(self, request: HttpRequest, decisions: QuerySet[Decision]) -> None:
        self.each(request, decisions, partial(self._answer, "replace"), "{} answered: superseded.")

    @admin.action(description="Answer: two facts, keep both", permissions=["decide"])
    def answer_apart(self, request: HttpRequest, decisions: QuerySet[Decision]) -> None:
        self.each(request, decisions, partial(self._answer, "apart"), "{} answered: kept apart.")

    def _undo(self, decision: Decision, **who: Any) -> None:
        remember.undo(decision_id=decision.pk, providers=configured.standby(), **who)

    def _answer(self, answer: remember.Answer, decision: Decision, **who: Any) -> None:
        remember.resolve(decision_id=decision.pk, as_=answer, **who)


@admin.register(Erasure)
class ErasureAdmin(ReadOnly, Listing):
    """The proof that memories and users were erased."""

    list_display = ("__str__", "user_id", "actor", "reason", "left", "created_at")
    list_filter = ("workspace",)
    search_fields = ("user_id", "actor", "reason")
    fields = ("workspace", "user_id", "memory_id", "actor", "reason", "created_at", "proof")
    readonly_fields = fields

    @admin.display(description="Left")
    def left(self, erasure: Erasure) -> str:
        return str(erasure.report.get("left", "not searched"))

    @admin.display(description="Report")
    def proof(self, erasure: Erasure) -> str:
        return told(erasure)
