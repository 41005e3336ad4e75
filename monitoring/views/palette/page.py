"""The palette's doors: the list under its field, and the same as a page for those without JavaScript."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from monitoring.console import palette


@require_safe
@login_required
def find(request: HttpRequest) -> TemplateResponse:
    """What `?q=` finds, as a page."""
    return TemplateResponse(request, "monitoring/find.html", _context(request))


@require_safe
@login_required
@cache_control(private=True, no_store=True)
def find_list(request: HttpRequest) -> TemplateResponse:
    """What `?q=` finds, as the options of the palette."""
    return TemplateResponse(request, "parts/found.html", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    text = request.GET.get("q", "")[: palette.LONGEST]
    assert isinstance(request.user, User)  # login_required
    return {"q": text, "found": palette.find(text, request.user)}
