"""The console's pages of monitoring."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from monitoring import overview as verbs
from monitoring.shell import DEFAULT_RANGE, chosen_range


@require_safe
@login_required
def overview(request: HttpRequest) -> TemplateResponse:
    return TemplateResponse(request, "monitoring/overview.html", _context(request))


def _etag(request: HttpRequest) -> str:
    return f'"{settings.HOLDFAST_VERSION}-{verbs.stamp(chosen_range(request), now=timezone.now())}"'


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
    return {"page": page, "age_s": page.age_at(now), "unknown_range": wanted if wanted != page.range else ""}
