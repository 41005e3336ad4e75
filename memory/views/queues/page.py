"""The Queues page and its live fragments."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from memory.jobs.kinds import all_kinds
from memory.views.queues import listing
from memory.views.queues.board import board, stamp
from memory.views.queues.listing import ROWS, WORDS, Filter
from monitoring.console import pages
from monitoring.console.shell import chosen_range

TEMPLATE = "memory/queues.html"
NOT_ALLOWED = "Needs the permission to change jobs"


@require_safe
@login_required
def queues(request: HttpRequest) -> TemplateResponse:
    return pages.respond(request, TEMPLATE, _context(request))


def _stamp(request: HttpRequest) -> str:
    return stamp(chosen_range(request), now=timezone.now())


@pages.refreshed(_stamp)
def queues_live(request: HttpRequest) -> TemplateResponse:
    """What moves on the page; 304 while nothing did."""
    return TemplateResponse(request, f"{TEMPLATE}#live", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    found = board(chosen_range(request), now=now)
    wanted = listing.parse(request.GET)
    jobs = listing.find(wanted, since=found.since)
    return {
        "board": found,
        "live": pages.live(request, "queues", "queues-live", age_s=found.age_at(now)),
        "wanted": wanted,
        "states": _states(wanted, found.range),
        "kinds": all_kinds(),
        "priorities": listing.priorities(),
        "jobs": None if jobs is None else listing.rows(jobs[:ROWS], now=now),
        "older": wanted.url(found.range, before=jobs[ROWS - 1].pk) if jobs and len(jobs) > ROWS else "",
        "first": wanted.url(found.range) if wanted.before else "",
        "all_jobs": Filter().url(found.range),
        "all_dead": Filter(state="dead").url(found.range),
        "dead": listing.rows(listing.dead_letters(), now=now),
        "refused": refused(request),
    }


def refused(request: HttpRequest) -> str:
    """Why this person may not change jobs; "" where they may."""
    return "" if request.user.has_perm("memory.change_job") else NOT_ALLOWED


def _states(wanted: Filter, range_name: str) -> list[tuple[str, str, bool]]:
    """The states to choose from: word, query of the URL, whether it is chosen."""
    choices = {"": "All"} | {str(state): word for state, word in WORDS.items()}
    return [(word, wanted.url(range_name, state=state), wanted.state == state) for state, word in choices.items()]
