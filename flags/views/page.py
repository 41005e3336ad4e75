"""The rollouts page: all flags, the one that is open, and what moves on both."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from flags.views import unit
from flags.views.board.board import Asked, board
from flags.views.board.gather import one
from flags.views.board.row import Rights, address
from flags.views.board.stale import stale
from flags.views.opened.detail import opened
from monitoring.console import pages
from monitoring.console.freshness import REFRESH_S
from monitoring.console.shell import chosen_range

TEMPLATE: Final = "flags/page.html"
OWN: Final = {"q", "open", "page", "unit"}  # of the page's URL; the rest is every page's
KEPT: Final = 8
MAY_NOT: Final = "Only operators may change flags"
KEYS: Final = (
    ("[", "]", "Ask for the previous, the next stage of the flag with the focus"),
    ("K", "", "Kill it"),
    ("u", "", "Undo its last change"),
)


@require_safe
@login_required
def rollouts(request: HttpRequest) -> TemplateResponse:
    """All flags; `?open=` shows one in full, `?q=` looks for some."""
    now = timezone.now()
    context = _context(request) | {"stale": stale(now), "page_keys": KEYS}
    return pages.respond(request, TEMPLATE, context)


def _stamp(request: HttpRequest) -> str:
    # flags change without a snapshot of figures: their rows are asked each time
    return f"{int(timezone.now().timestamp() // REFRESH_S)}"


@pages.refreshed(_stamp)
def rollouts_live(request: HttpRequest) -> TemplateResponse:
    """What moves on the page."""
    return TemplateResponse(request, f"{TEMPLATE}#live", _context(request))


@require_safe
@login_required
def rollout_open(request: HttpRequest, name: str) -> TemplateResponse | HttpResponseRedirect:
    """What a flag's fold opens, or closes where the URL leaves it out; without HTMX the page with it open."""
    found = one(name)
    if found is None:
        raise Http404
    query = request.GET.dict()
    if not request.headers.get("HX-Request"):
        return HttpResponseRedirect(address(query | {"open": name}))
    context = _context(request)
    context |= {"flag": found.flag, "touched": {name, _was_open(request)}}
    response = TemplateResponse(request, f"{TEMPLATE}#opened", context)
    response["HX-Push-Url"] = address(query)
    return response


def _was_open(request: HttpRequest) -> str:
    """The flag that is open on the page that asks."""
    return QueryDict(urlsplit(request.headers.get("HX-Current-URL", "")).query).get("open") or ""


def _context(request: HttpRequest) -> dict[str, Any]:
    now, rights = timezone.now(), Rights.of(request.user)
    kept = {key: str(value) for key, value in list(request.GET.items())[:KEPT] if key not in OWN}
    found = board(Asked.of(request.GET.dict(), kept), rights, now=now)
    shown = next((row for row in found.rows if row.is_open), None)
    detail = None
    if shown:
        asked = unit.asked(request.GET.dict())
        detail = opened(shown, found.flagset, rights, asked, range_name=chosen_range(request), now=now)
    return {
        "board": found,
        "row": shown,
        "opened": detail,
        "kept": kept,
        "refused": "" if rights.may_change else MAY_NOT,
        "live": pages.live(request, "rollouts", "rollouts-live", is_exact=True),
    }
