"""The overview's doors: the page, and what moves on it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from monitoring.console import pages
from monitoring.console.shell import chosen_range
from monitoring.views.overview import board


@require_safe
@login_required
def overview(request: HttpRequest) -> TemplateResponse:
    return pages.respond(request, "monitoring/overview.html", _context(request))


@pages.refreshed()
def overview_live(request: HttpRequest) -> TemplateResponse:
    """What moves on the overview, for HTMX to put in its places; 304 while nothing did."""
    return TemplateResponse(request, "monitoring/overview.html#live", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    page = board.page(chosen_range(request), now=now)
    live = pages.live(request, "overview", "overview-live", age_s=page.age_at(now))
    return {"page": page, "live": live}
