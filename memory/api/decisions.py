"""Decisions: why facts were added, merged, superseded or kept apart; undone where wrong; questions answered."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from memory import access, remember
from memory.api.auth import caller
from memory.api.pages import Cursor, Limit, newest_first
from memory.api.schemas import AnswerIn, MemoryDecisionOut, Page, QuestionOut, ReasonIn
from memory.models import DecidedBy, Decision, Outcome, Scope
from memory.providers import configured

router = Router(tags=["decisions"])
review = Router(tags=["decisions"])

UserId = Annotated[str | None, Query(None, max_length=200)]


@router.get("", response=Page[MemoryDecisionOut], url_name="decisions")
def list_decisions(
    request: HttpRequest,
    limit: Limit,
    cursor: Cursor,
    user_id: UserId = None,
    outcome: Annotated[Outcome | None, Query(None)] = None,
    by: Annotated[DecidedBy | None, Query(None)] = None,
) -> dict[str, Any]:
    """Decisions, newest first, each with what was compared and why."""
    wanted = {"user_id": user_id, "outcome": outcome, "by": by}
    rows = access.rows(Decision, caller(request))
    rows = rows.filter(**{name: value for name, value in wanted.items() if value is not None})
    return newest_first(rows, cursor=cursor, limit=limit)


@router.get("/{id}", response=MemoryDecisionOut, url_name="decision")
def get_decision(request: HttpRequest, id: UUID) -> Decision:
    """One decision."""
    return access.find(Decision, caller(request), id)


@router.post("/{id}/undo", response=MemoryDecisionOut, url_name="undo_decision")
def undo_decision(request: HttpRequest, id: UUID, body: ReasonIn | None = None) -> Decision:
    """Put every memory that the decision changed back as it was, with the text that it had.

    What it added stays beside it. An answered question waits again. 409 names the revision or decision that came later,
    where a memory has changed since; 410 where one was forgotten.
    """
    who = caller(request, Scope.WRITE)
    return remember.undo(
        workspace_id=who.workspace_id,
        decision_id=id,
        providers=configured.standby(),
        actor=who.key,
        reason=body.reason if body is not None else "",
        now=timezone.now(),
    )


@review.get("", response=Page[QuestionOut], url_name="review")
def list_questions(request: HttpRequest, limit: Limit, cursor: Cursor, user_id: UserId = None) -> dict[str, Any]:
    """The questions that wait for a person, newest first: two memories that may say the same, and what tells them
    apart."""
    rows = Decision.objects.waiting().filter(workspace_id=caller(request).workspace_id)
    if user_id is not None:
        rows = rows.filter(user_id=user_id)
    page = newest_first(rows.select_related("memory", "other"), cursor=cursor, limit=limit)
    return page | {"items": [_question(decision) for decision in page["items"]]}


@review.post("/{id}", response=MemoryDecisionOut, url_name="answer_question")
def answer_question(request: HttpRequest, id: UUID, body: AnswerIn) -> Decision:
    """Answer a question. 409 when it was answered, or one of its memories is not active any more: it says why."""
    who = caller(request, Scope.WRITE)
    return remember.resolve(
        workspace_id=who.workspace_id,
        decision_id=id,
        as_=body.as_,
        actor=who.key,
        reason=body.reason,
        now=timezone.now(),
    )


def _question(decision: Decision) -> dict[str, Any]:
    """The question with what was found about the one that was there."""
    line: dict[str, Any] = next((line for line in decision.trace if line.get("id") == str(decision.other_id)), {})
    shown = {name: getattr(decision, name) for name in ("id", "created_at", "user_id", "memory", "other")}
    return shown | {"similarity": line.get("similarity"), "score": line.get("score"), "guards": line.get("guards", [])}
