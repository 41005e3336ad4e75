"""The breakers' doors: the page, what moves on it, the overview's panel, and the acts."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from monitoring import breakers as shared
from monitoring.console import pages
from monitoring.console.freshness import REFRESH_S
from monitoring.console.shell import chosen_range
from monitoring.views.breakers import acts
from monitoring.views.breakers.board import compose

TEMPLATE = "monitoring/breakers/page.html"
MAY_OVERRIDE = "monitoring.change_breakeroverride"


@require_safe
@login_required
def breakers(request: HttpRequest) -> TemplateResponse:
    """All breakers, and the one that `?name=` chooses in detail."""
    return pages.respond(request, TEMPLATE, _context(request))


def _stamp(request: HttpRequest) -> str:
    # breakers change without a snapshot: Redis is asked each time
    return f"{int(timezone.now().timestamp() // REFRESH_S)}"


@pages.refreshed(_stamp)
def breakers_live(request: HttpRequest) -> TemplateResponse:
    """What moves on the breakers page."""
    return TemplateResponse(request, f"{TEMPLATE}#live", _context(request))


@require_safe
@login_required
def breakers_panel(request: HttpRequest) -> TemplateResponse:
    """The overview's panel: the breakers that need somebody first."""
    return TemplateResponse(request, "monitoring/breakers/panel.html", _context(request))


@login_required
@permission_required(MAY_OVERRIDE, raise_exception=True)
def breaker_act(request: HttpRequest, name: str, act: str) -> HttpResponse:
    """Asks why, then resets, forces or disables a breaker, or ends that."""
    now = timezone.now()
    view = next((view for view in shared.overview(now) if view.name == name), None)
    if view is None or act not in acts.ACTS:
        raise Http404
    chosen = acts.ACTS[act]
    answer = pages.ask(request, acts.question(view, chosen, back=reverse("breakers")))
    if isinstance(answer, HttpResponse):
        return answer
    try:
        chosen.do(view, answer, now)
    except shared.RefusedError as problem:
        return pages.refused(request, answer.back, f"Nothing was changed: {problem}.")
    return pages.done(request, answer.back, f"{view.title} {chosen.said}.")


def _context(request: HttpRequest) -> dict[str, Any]:
    page = compose(
        chosen_range(request),
        chosen=request.GET.get("name", ""),
        may_act=request.user.has_perm(MAY_OVERRIDE),
        now=timezone.now(),
    )
    return {"page": page, "live": pages.live(request, "breakers", "breakers-live")}
