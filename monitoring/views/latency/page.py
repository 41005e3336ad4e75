"""The doors of the Latency page: the page, and what moves on it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from monitoring.console import pages
from monitoring.console.shell import chosen_range
from monitoring.views.latency.asked import COMPARED, Asked
from monitoring.views.latency.board import board

TEMPLATE = "monitoring/latency/page.html"


@require_safe
@login_required
def latency(request: HttpRequest) -> HttpResponse:
    """All operations, and the one that `?operation=` chooses in detail."""
    return pages.respond(request, TEMPLATE, _context(request))


@pages.refreshed()
def latency_live(request: HttpRequest) -> TemplateResponse:
    """What moves on the Latency page."""
    return TemplateResponse(request, f"{TEMPLATE}#live", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    page = board(chosen_range(request), Asked.of(request.GET), now=timezone.now())
    live = pages.live(request, "latency", "latency-live", age_s=page.age_s)
    return {"page": page, "live": live, "compared": COMPARED}
