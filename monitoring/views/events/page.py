"""The events' doors: the page, and what moves on it."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from monitoring.console import pages
from monitoring.console.chosen.range import chosen
from monitoring.console.freshness import REFRESH_S
from monitoring.models import Event
from monitoring.views.events.board import Filters, board

TEMPLATE = "monitoring/events.html"
RANGE = "24h"
TEXT_LENGTH = 100


@require_safe
@login_required
def events(request: HttpRequest) -> TemplateResponse:
    """What happened in the range, the latest first: `?kind=`, `?tone=`, `?text=`, and `?after=` for the next page."""
    return pages.respond(request, TEMPLATE, _context(request))


def _stamp(request: HttpRequest) -> str:
    return f"{int(timezone.now().timestamp() // REFRESH_S)}"  # events need no snapshot


@pages.refreshed(_stamp)
def events_live(request: HttpRequest) -> TemplateResponse:
    """What moves on the page of events."""
    return TemplateResponse(request, f"{TEMPLATE}#live", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    shown = chosen(request, RANGE)
    filters = Filters(
        kind=request.GET.get("kind", "")[:32],
        tone=request.GET.get("tone", "") if request.GET.get("tone") in Event.Tone.values else "",
        text=request.GET.get("text", "").strip()[:TEXT_LENGTH],
    )
    try:
        after = uuid.UUID(request.GET["after"]) if "after" in request.GET else None
        found = board(shown, filters, after=after, now=timezone.now())
    except ValueError as problem:
        raise Http404("That page of events is gone") from problem
    live = pages.live(request, "events", "events-live", is_exact=True)
    return {"board": found, "filters": filters, "tones": Event.Tone.choices, "live": live, "hidden": _hidden(live)}


def _hidden(live: pages.Live) -> dict[str, str]:
    """What the filters' form carries along: the range, and what is none of its fields."""
    kept = {key: value for key, value in live.kept.items() if key not in {"kind", "tone", "text", "after"}}
    return live.chosen.query | kept
