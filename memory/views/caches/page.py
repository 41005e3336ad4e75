"""The Caches page, its live fragments, and what somebody may do to a cache by hand."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.decorators import login_required, permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from memory import caching
from memory.caching.stats import Figures, figures
from memory.jobs.delivery import hints
from memory.jobs.submit import submit
from memory.models import Priority, Workspace
from memory.views.caches.board import board
from monitoring import audit, events
from monitoring.console import pages
from monitoring.console.pages import Answer, Fact, Question
from monitoring.console.shell import chosen_range
from monitoring.formats import number, percent, size
from monitoring.models import Event

TEMPLATE: Final = "memory/caches.html"
MAY_ACT: Final = "memory.change_job"
NOT_ALLOWED: Final = "Only operators may do this"


@require_safe
@login_required
def caches(request: HttpRequest) -> TemplateResponse:
    return pages.respond(request, TEMPLATE, _context(request))


@pages.refreshed()
def caches_live(request: HttpRequest) -> TemplateResponse:
    """What moves on the page; 304 while nothing did."""
    return TemplateResponse(request, f"{TEMPLATE}#live", _context(request))


@require_http_methods(["GET", "POST"])
@login_required
@permission_required(MAY_ACT, raise_exception=True)
def invalidate(request: HttpRequest, name: str) -> HttpResponse:
    """Ask, then drop all entries of a cache."""
    found = _figures(name)
    held = found.contents
    question = Question(
        title="Invalidate the cache",
        subject=name,
        verb="Invalidate all",
        keep="Keep the entries",
        back=reverse("caches"),
        about="Every entry of every workspace is dropped. What is asked for next is worked out anew.",
        facts=(
            Fact("Entries", number(held.entries) if held else "unknown", "dropped now"),
            Fact("Size", size(held.bytes) if held else "unknown", "freed in Redis"),
            Fact("Hit rate", percent(found.traffic.hit_rate or 0), "falls until it is warm"),
        ),
        outlook=(("Undo", "none, but it fills again by itself"), ("Answers", "slower for a while, never wrong")),
        icon="forget",
        is_danger=True,
    )
    answer = pages.ask(request, question)
    if not isinstance(answer, Answer):
        return answer
    dropped = caching.clear(caching.cache_of(name))
    text = f"{found.title} cache invalidated"
    _tell(text, answer, act="invalidate", name=name)
    return pages.done(request, answer.back, f"{text}: {number(dropped)} namespaces dropped.")


@require_http_methods(["GET", "POST"])
@login_required
@permission_required(MAY_ACT, raise_exception=True)
def warm(request: HttpRequest, name: str) -> HttpResponse:
    """Ask, then have a job make again what was used most and is missing."""
    found = _figures(name)
    if name not in caching.warmable():
        raise Http404
    workspaces = Workspace.objects.filter(is_active=True)
    question = Question(
        title="Warm the cache",
        subject=name,
        verb="Warm it",
        keep="Leave it",
        back=reverse("caches"),
        about="A job of low priority for each workspace makes again what was used most and is missing.",
        facts=(
            Fact("Workspaces", number(workspaces.count()), "one job each"),
            Fact("Values", "100", "of each workspace at most"),
            Fact("Used lately", number(len(found.contents.top_keys)) if found.contents else "unknown", "keys seen"),
        ),
        outlook=(("If it fails", "nothing is lost: look-ups miss as before"),),
        icon="reset",
    )
    answer = pages.ask(request, question)
    if not isinstance(answer, Answer):
        return answer
    with transaction.atomic():
        for workspace in workspaces:
            payload = {"cache": name}
            submit(
                kind="warm_cache", workspace_id=workspace.pk, user_id="", payload=payload, now=timezone.now(), key=name
            )
    hints.wake(Priority.LOW)
    text = f"{found.title} cache is being warmed"
    _tell(text, answer, act="warm", name=name)
    return pages.done(request, answer.back, f"{text}: the jobs are on the Queues page.")


def _context(request: HttpRequest) -> dict[str, Any]:
    found = board(chosen_range(request), now=timezone.now())
    return {
        "board": found,
        "live": pages.live(request, "caches", "caches-live", age_s=found.age_s),
        "refused": "" if request.user.has_perm(MAY_ACT) else NOT_ALLOWED,
    }


def _figures(name: str) -> Figures:
    if name not in caching.CACHES:
        raise Http404
    return figures(now=timezone.now(), names=[name])[0]


def _tell(text: str, answer: Answer, *, act: str, name: str) -> None:
    now, actor = timezone.now(), answer.actor
    audit.record(actor=actor, action=f"cache.{act}", subject=name, reason=answer.reason, at=now)
    events.record(kind="cache", text=f"{text}: {answer.reason}", at=now, tone=Event.Tone.HAND, actor=actor)
