"""The console's pages of monitoring."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from monitoring import breaker_acts, breaker_page, pages
from monitoring import breakers as shared
from monitoring import overview as verbs
from monitoring.shell import DEFAULT_RANGE, chosen_range

MAY_OVERRIDE = "monitoring.change_breakeroverride"


@require_safe
@login_required
def overview(request: HttpRequest) -> TemplateResponse:
    return pages.respond(request, "monitoring/overview.html", _context(request))


def _etag(request: HttpRequest) -> str:
    return pages.etag(request, verbs.stamp(chosen_range(request), now=timezone.now()))


@require_safe
@login_required
@cache_control(private=True, no_cache=True)
@condition(etag_func=_etag)
def overview_live(request: HttpRequest) -> TemplateResponse:
    """What moves on the overview, for HTMX to put in its places; 304 while nothing did."""
    return TemplateResponse(request, "monitoring/overview.html#live", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    wanted = request.GET.get("range", DEFAULT_RANGE)
    page = verbs.page(chosen_range(request), now=now)
    live = pages.live(request, "overview", "overview-live", age_s=page.age_at(now))
    return {"page": page, "live": live, "unknown_range": wanted if wanted != page.range else ""}


@require_safe
@login_required
def breakers(request: HttpRequest) -> TemplateResponse:
    """All breakers, and the one that `?name=` chooses in detail."""
    return pages.respond(request, "monitoring/breakers.html", _breakers(request))


def _breakers_etag(request: HttpRequest) -> str:
    return pages.etag(request, f"{int(timezone.now().timestamp() // verbs.REFRESH_S)}")


@require_safe
@login_required
@cache_control(private=True, no_cache=True)
@condition(etag_func=_breakers_etag)
def breakers_live(request: HttpRequest) -> TemplateResponse:
    """What moves on the breakers page."""
    return TemplateResponse(request, "monitoring/breakers.html#live", _breakers(request))


@require_safe
@login_required
def breakers_panel(request: HttpRequest) -> TemplateResponse:
    """The overview's panel: the breakers that need somebody first."""
    return TemplateResponse(request, "monitoring/breaker_panel.html", _breakers(request))


@login_required
@permission_required(MAY_OVERRIDE, raise_exception=True)
def breaker_act(request: HttpRequest, name: str, act: str) -> HttpResponse:
    """Asks why, then resets, forces or disables a breaker, or ends that."""
    now = timezone.now()
    view = next((view for view in shared.overview(now) if view.name == name), None)
    if view is None or act not in breaker_acts.ACTS:
        raise Http404
    chosen = breaker_acts.ACTS[act]
    answer = pages.ask(request, breaker_acts.question(view, chosen, back=reverse("breakers")))
    if isinstance(answer, HttpResponse):
        return answer
    try:
        chosen.do(view, answer, now)
    except shared.RefusedError as problem:
        return pages.refused(request, answer.back, f"Nothing was changed: {problem}.")
    return pages.done(request, answer.back, f"{view.title} {chosen.said}.")


def _breakers(request: HttpRequest) -> dict[str, Any]:
    page = breaker_page.compose(
        chosen_range(request),
        chosen=request.GET.get("name", ""),
        may_act=request.user.has_perm(MAY_OVERRIDE),
        now=timezone.now(),
    )
    return {"page": page, "live": pages.live(request, "breakers", "breakers-live")}
