"""The console's fragments of flags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_htmx.middleware import HtmxDetails

from flags.models import Flag
from monitoring.console.palette import Hit

SHOWN = 4  # as many rows as the panel has room for
STOPS = (1, 10, 25, 50, 100)


class HtmxRequest(HttpRequest):
    htmx: HtmxDetails  # HtmxMiddleware sets it


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    share: Decimal
    state: str
    steps: tuple[bool, ...]  # which ticks of the stage bar are lit


@require_safe
@login_required
def rollouts_panel(request: HtmxRequest) -> TemplateResponse:
    """The overview's panel, and without HTMX a page of its own. What needs somebody comes first."""
    today = timezone.now().date()
    rows = sorted((row(flag, today=today) for flag in Flag.objects.all()), key=need)
    context = {"rows": rows[:SHOWN], "total": len(rows), "partial": sum(0 < row.share < 100 for row in rows)}
    return TemplateResponse(request, "flags/rollouts.html#panel" if request.htmx else "flags/rollouts.html", context)


def find(text: str, user: User, limit: int) -> list[Hit]:
    """Flags by a part of their names, for the console's palette."""
    if not text or not user.has_perm("flags.view_flag"):
        return []
    flags = Flag.objects.filter(name__icontains=text).order_by("name")[:limit]
    today = timezone.now().date()
    return [
        Hit(flag.name, reverse("admin:flags_flag_change", args=[flag.pk]), "flag", state(flag, today=today).lower())
        for flag in flags
    ]


def row(flag: Flag, *, today: date) -> Row:
    return Row(flag.name, flag.share, state(flag, today=today), tuple(flag.share >= stop for stop in STOPS))


def state(flag: Flag, *, today: date) -> str:
    if flag.expires_on and flag.expires_on < today:
        return "Expired"
    if flag.share >= 100:
        return "Complete"
    return "Partly on" if flag.share > 0 else "Disabled"


def need(row: Row) -> tuple[bool, bool, str]:
    return (not 0 < row.share < 100, row.state != "Expired", row.name)
