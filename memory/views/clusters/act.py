"""What a person makes of a cluster: one memory, facts of their own, or a search through all of the user's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib.auth.decorators import login_required, permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from memory import remember
from memory.errors import HoldfastError
from memory.jobs.delivery import hints
from memory.jobs.submit import submit
from memory.models import ID_LENGTH, Outcome, Priority, Workspace
from memory.providers import configured
from memory.views.memories import words
from memory.views.memories.acts import doors
from memory.views.memories.detail.detail import MAY_CHANGE
from memory.views.memories.listing.asked import as_uuid
from memory.work.payloads import Dedupe
from memory.work.upkeep.redo import DEDUPE
from monitoring import audit
from monitoring.console import pages

REASON: Final = "possible duplicates in the console"
KEY: Final = "by_hand"  # one such job at a time waits for a user
IDS: Final = 100  # of one cluster, that are read


@require_POST
@login_required
@permission_required(MAY_CHANGE, raise_exception=True)
def act(request: HttpRequest, act: str) -> HttpResponse:
    """Merge, keep apart, or have all of a user's memories compared in the background; then the page again."""
    if act not in ACTS:
        raise Http404("There is no such act.")
    home = get_object_or_404(Workspace, pk=as_uuid(request.POST.get("workspace", "")))
    back = _back(request.POST.get("next", ""))
    try:
        return ACTS[act](request, home, back, timezone.now())
    except HoldfastError as error:
        return pages.refused(request, back, str(error))


def _merge(request: HttpRequest, home: Workspace, back: str, now: datetime) -> HttpResponse:
    ids = _ids(request)
    into = as_uuid(request.POST.get("into", ""))
    kept = remember.merge(
        workspace_id=home.pk,
        memory_ids=ids,
        into=into,
        providers=configured.standby(),
        actor=request.user.get_username(),
        now=now,
        reason=_reason(request),
    )
    others = len(ids) - 1
    said = f"{others} {'memory is' if others == 1 else 'memories are'} merged into {words.short(kept.pk)}."
    return pages.done(request, back, said, undo=doors.undo_of(kept.pk, Outcome.MERGED))


def _keep_apart(request: HttpRequest, home: Workspace, back: str, now: datetime) -> HttpResponse:
    made = remember.keep_apart(
        workspace_id=home.pk,
        memory_ids=_ids(request),
        actor=request.user.get_username(),
        now=now,
        reason=_reason(request),
    )
    undo = reverse("memory-undo", args=[made[0].pk]) if len(made) == 1 else ""
    return pages.done(request, back, "Kept apart: they are never compared again.", undo=undo)


def _find(request: HttpRequest, home: Workspace, back: str, now: datetime) -> HttpResponse:
    user_id = request.POST.get("user", "").replace("\0", "").strip()[:ID_LENGTH]
    with transaction.atomic():
        job = submit(kind=DEDUPE, workspace_id=home.pk, user_id=user_id, payload=Dedupe(), key=KEY, now=now)
        audit.record(
            actor=request.user.get_username(),
            action="memory.dedupe",
            subject=user_id,
            after={"job": str(job.pk)},
            reason=_reason(request),
            at=now,
        )
    hints.wake(Priority(job.priority))
    said = 'Duplicates of <span class="mono">{}</span> are merged in the background: <a href="{}">the job</a>.'
    return pages.done(request, back, format_html(said, user_id, reverse("job", args=[job.pk])))


def _ids(request: HttpRequest) -> list[UUID]:
    return [id for id in map(as_uuid, request.POST.getlist("id")[:IDS]) if id is not None]


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()[: pages.REASON_MOST] or REASON


def _back(said: str) -> str:
    """The page's own address only."""
    home = reverse("memories-clusters")
    return said if said == home or said.startswith(f"{home}?") else home


Act = Callable[[HttpRequest, Workspace, str, datetime], HttpResponse]
ACTS: Final[dict[str, Act]] = {"merge": _merge, "apart": _keep_apart, "find": _find}
