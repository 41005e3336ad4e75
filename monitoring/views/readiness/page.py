"""The doors of readiness: the page, what moves on it, a drill's result, and running one."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from monitoring.console import pages
from monitoring.console.pages import Question
from monitoring.console.shell import chosen_range
from monitoring.health import drills
from monitoring.health.drills.registry import Spec, find
from monitoring.health.readiness.assess import recent
from monitoring.models import DrillResult
from monitoring.views.readiness.board import compose, drill_row
from monitoring.views.readiness.report import report

TEMPLATE = "monitoring/readiness/page.html"
DRILL = "monitoring/readiness/drill.html"
MAY_RUN = "monitoring.add_drillresult"
CHANGES_S = 15  # readiness is assessed once a minute, and drills end now and then
EARLIER = 12


@require_safe
@login_required
def readiness(request: HttpRequest) -> HttpResponse:
    """The score, what to do about it, and the drills."""
    return pages.respond(request, TEMPLATE, _context(request))


def _stamp(request: HttpRequest) -> str:
    return f"{int(timezone.now().timestamp() // CHANGES_S)}"


@pages.refreshed(_stamp)
def readiness_live(request: HttpRequest) -> TemplateResponse:
    """What moves on the readiness page."""
    return TemplateResponse(request, f"{TEMPLATE}#live", _context(request))


@require_safe
@login_required
def drill(request: HttpRequest, name: str) -> TemplateResponse:
    """What the last run of a drill found; with `?run=ID` an earlier one."""
    spec, now = _found(name), timezone.now()
    rows = DrillResult.objects.finished().filter(name=name).order_by("-started_at")
    earlier = list(rows[:EARLIER])
    chosen = next((row for row in earlier if str(row.pk) == request.GET.get("run")), earlier[0] if earlier else None)
    may_run = request.user.has_perm(MAY_RUN)
    context = {
        "row": drill_row(spec, chosen, False, may_run, now),
        "report": report(chosen) if chosen else None,
        "earlier": [drill_row(spec, row, False, may_run, now) for row in earlier],
    }
    return TemplateResponse(request, DRILL, context)


@login_required
@permission_required(MAY_RUN, raise_exception=True)
def drill_run(request: HttpRequest, name: str) -> HttpResponse:
    """Asks why, runs the drill, and shows what it found."""
    spec = _found(name)
    answer = pages.ask(request, _question(spec))
    if isinstance(answer, HttpResponse):
        return answer
    try:
        row = drills.run(spec, actor=answer.actor, reason=answer.reason, now=timezone.now())
    except (drills.BusyError, drills.TooOftenError) as problem:
        return pages.refused(request, answer.back, f"It was not run. {problem}")
    back = reverse("drill", args=[name])
    if row.passed:
        return pages.done(request, back, f"{spec.title} passed.")
    return pages.refused(request, back, f"{spec.title} failed. {row.summary}")


def _question(spec: Spec) -> Question:
    return Question(
        title="Run the drill",
        subject=spec.title,
        verb="Run the drill",
        keep="Not now",
        back=reverse("readiness"),
        about=spec.about,
        outlook=(
            ("Takes", f"at most {spec.limit_s:g} s: the page waits for it"),
            ("Touches", "only what it makes for itself"),
            ("Afterwards", "all of that is removed"),
        ),
        icon="play",
    )


def _found(name: str) -> Spec:
    spec = find(name)
    if spec is None:
        raise Http404
    return spec


def _context(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    assessment = recent(now=now)
    may_run = request.user.has_perm(MAY_RUN)
    return {
        "board": compose(assessment, range_name=chosen_range(request), may_run=may_run, now=now),
        "live": pages.live(request, "readiness", "readiness-live", is_exact=True),
    }
