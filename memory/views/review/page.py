"""The review page: the questions that wait, one of them in full, and the answers."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from memory import remember
from memory.errors import HoldfastError
from memory.models import Decision, Workspace
from memory.remember.by_hand.review import ANSWERS
from memory.views.memories import words
from memory.views.memories.detail.detail import MAY_CHANGE
from memory.views.memories.listing.asked import as_uuid
from memory.views.review.question import Question, question
from monitoring.console import pages
from monitoring.formats import number

TEMPLATE: Final = "memory/review/page.html"
MAY_READ: Final = "memory.view_memory"
ROWS: Final = 20
COUNTED: Final = 1000
REASON: Final = "reviewed in the console"
# what the page reads of the two memories: not their vectors
UNREAD: Final = ("memory__embedding", "memory__search", "other__embedding", "other__search")


@dataclass(frozen=True, slots=True)
class Row:
    """A question in the list."""

    id: uuid.UUID
    href: str
    user: str
    texts: tuple[str, str]
    time: str


@dataclass(frozen=True, slots=True)
class Page:
    """What the page shows. `next` and `previous` are the questions beside the open one."""

    about: str
    rows: list[Row]
    open: Question | None
    workspace: str
    workspaces: list[tuple[str, str]]
    older: str
    newest: str
    next: str
    previous: str
    last_undo: str
    checked: str
    refused: str


@require_safe
@login_required
@permission_required(MAY_READ, raise_exception=True)
def review(request: HttpRequest) -> TemplateResponse:
    """The queue, newest first; `?open=` names the question in full, otherwise it is the first."""
    return TemplateResponse(request, TEMPLATE, {"page": compose(request, now=timezone.now())})


@require_POST
@login_required
@permission_required(MAY_CHANGE, raise_exception=True)
def resolve(request: HttpRequest, id: uuid.UUID, as_: str) -> HttpResponse:
    """Answer, and go on to the next question."""
    answer = next((known for known in ANSWERS if known == as_), None)
    if answer is None:
        raise Http404("There is no such answer.")
    decision = get_object_or_404(Decision, pk=id)
    back = _following(request.POST.get("next", ""))
    try:
        remember.resolve(
            workspace_id=decision.workspace_id,
            decision_id=id,
            as_=answer,
            actor=request.user.get_username(),
            now=timezone.now(),
            reason=request.POST.get("reason", "").strip()[: pages.REASON_MOST] or REASON,
        )
    except HoldfastError as error:
        return pages.refused(request, back, str(error))
    word = words.DECISIONS[ANSWERS[answer]].word
    return pages.done(request, back, f"{word}.", undo=reverse("memory-undo", args=[id]))


def compose(request: HttpRequest, *, now: datetime) -> Page:
    workspace = request.GET.get("workspace", "")
    cursor, wanted = as_uuid(request.GET.get("cursor", "")), as_uuid(request.GET.get("open", ""))
    waiting = _waiting(workspace)
    listed = list((waiting.filter(pk__lt=cursor) if cursor else waiting)[: ROWS + 1])
    shown = listed[:ROWS]
    place = next((number for number, one in enumerate(shown) if one.pk == wanted), 0)
    opened = shown[place] if shown else None
    if wanted and (opened is None or opened.pk != wanted):
        opened = waiting.filter(pk=wanted).first() or opened
    may_read = request.user.has_perm("memory.view_conversation")
    return Page(
        about=_about(waiting),
        rows=[_row(one, workspace, now) for one in shown],
        open=question(opened, now, may_read=may_read) if opened else None,
        workspace=workspace,
        workspaces=[(name, url(workspace=name)) for name in _names()],
        older=url(workspace=workspace, cursor=str(shown[-1].pk)) if len(listed) > ROWS else "",
        newest=url(workspace=workspace) if cursor else "",
        next=_beside(shown, place + 1, workspace),
        previous=_beside(shown, place - 1, workspace),
        last_undo=_last_answer(request),
        checked=words.moment(now, now, seconds=True),
        refused="" if request.user.has_perm(MAY_CHANGE) else "Needs the permission to change memories",
    )


def url(**kept: str) -> str:
    """The page's address with what is not empty."""
    query = urlencode({name: value for name, value in kept.items() if value})
    return reverse("memories-review") + (f"?{query}" if query else "")


def _waiting(workspace: str) -> QuerySet[Decision]:
    found = Decision.objects.waiting().filter(memory__isnull=False, other__isnull=False)
    if workspace:
        found = found.filter(workspace__name=workspace)
    related = ("memory__source__conversation", "other__source__conversation", "workspace")
    return found.select_related(*related).defer(*UNREAD).order_by("-pk")


def _about(waiting: QuerySet[Decision, Any]) -> str:
    count = waiting.order_by()[: COUNTED + 1].count()
    return f"{number(min(count, COUNTED))}{'+' if count > COUNTED else ''} wait for an answer" if count else ""


def _names() -> list[str]:
    return list(Workspace.objects.order_by("name").values_list("name", flat=True)[:100])


def _row(decision: Decision, workspace: str, now: datetime) -> Row:
    texts = tuple(memory.text if memory else "" for memory in (decision.memory, decision.other))
    return Row(
        id=decision.pk,
        href=url(workspace=workspace, open=str(decision.pk)),
        user=decision.user_id,
        texts=(texts[0], texts[1]),
        time=words.moment(decision.created_at, now),
    )


def _beside(shown: list[Decision], place: int, workspace: str) -> str:
    return url(workspace=workspace, open=str(shown[place].pk)) if 0 <= place < len(shown) else ""


def _following(said: str) -> str:
    """The page's own address only."""
    home = reverse("memories-review")
    return said if said == home or said.startswith(f"{home}?") else home


def _last_answer(request: HttpRequest) -> str:
    """Where this person's latest answer is taken back."""
    mine = Decision.objects.filter(resolved_by=request.user.get_username(), undone_at=None, outcome="review")
    latest = mine.order_by("-pk").values_list("pk", flat=True)[:1]
    return reverse("memory-undo", args=[latest[0]]) if latest else ""
