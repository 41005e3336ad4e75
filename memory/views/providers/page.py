"""The Providers page and its live fragments."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from memory.views.providers.board import board
from monitoring.console import pages
from monitoring.console.shell import chosen_range

TEMPLATE = "memory/providers.html"


@require_safe
@login_required
def providers(request: HttpRequest) -> TemplateResponse:
    return pages.respond(request, TEMPLATE, _context(request))


@pages.refreshed()
def providers_live(request: HttpRequest) -> TemplateResponse:
    """What moves on the page; 304 while nothing did."""
    return TemplateResponse(request, f"{TEMPLATE}#live", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    found = board(chosen_range(request), now=timezone.now())
    return {"board": found, "live": pages.live(request, "providers", "providers-live", age_s=found.age_s)}
