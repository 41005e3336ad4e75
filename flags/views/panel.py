"""The overview's panel of rollouts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from flags.views.board import states, stops, words
from flags.views.board.gather import gather
from flags.views.board.row import address
from flags.views.board.states import Mark, Standing

SHOWN: Final = 4  # as many rows as the panel has room for


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    href: str
    share: str
    mark: Mark
    lit: tuple[bool, ...]  # which ticks of the stage bar


@require_safe
@login_required
def rollouts_panel(request: HttpRequest) -> TemplateResponse:
    """The overview's panel, and without HTMX a page of its own. What needs somebody comes first."""
    now, every = timezone.now(), gather()
    marked = [(each, states.mark(each, now=now)) for each in every]
    marked.sort(key=lambda pair: states.need(pair[1], pair[0].flag.name))
    context = {
        "lines": [line(*pair) for pair in marked[:SHOWN]],
        "total": len(every),
        "partial": sum(0 < each.share < 100 for each in every),
    }
    template = "flags/panel.html#panel" if request.headers.get("HX-Request") else "flags/panel.html"
    response = TemplateResponse(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def line(standing: Standing, mark: Mark) -> Line:
    name = standing.flag.name
    return Line(name, address({"open": name}), words.share(standing.share), mark, stops.lit(standing.share))


def attention(now: datetime | None = None) -> float:
    """How many flags wait for somebody: their plans ask, or were rolled back. For the rail."""
    now = now or timezone.now()
    return sum(states.mark(each, now=now) in {states.ASKING, states.ROLLED_BACK} for each in gather())
