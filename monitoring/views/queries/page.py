"""The doors of the Queries page: the page, what moves on it, the threshold, and the trial of an index."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from monitoring.console import pages
from monitoring.console.pages import Answer, Choice, Fact, Question
from monitoring.console.shell import chosen_range
from monitoring.formats import number, percent
from monitoring.queries import read, store
from monitoring.queries.advice import proof
from monitoring.queries.advice.advise import proposal_of
from monitoring.queries.advice.plans import RefusedError
from monitoring.queries.read import SORTS, Wanted
from monitoring.queries.server.statements import ENABLE
from monitoring.views.queries.board import board
from monitoring.views.queries.detail import detail

TEMPLATE: Final = "monitoring/queries/page.html"
MAY_ACT: Final = "monitoring.change_slowquery"
NOT_ALLOWED: Final = "Only operators may do this"
OUTSIDE: Final = "-"  # the route of what ran outside of requests and jobs, as the URL has it
THRESHOLDS: Final = ("100", "20", "50", "250", "500", "1000", "2500")
HEADS: Final = {"count": "Runs", "total": "Total", "mean": "Mean", "longest": "Longest", "rows": "Rows", "last": "Last"}


@require_safe
@login_required
def queries(request: HttpRequest) -> TemplateResponse:
    """Slow statements, and the one that `?query=` chooses in detail."""
    return pages.respond(request, TEMPLATE, _context(request))


@pages.refreshed()
def queries_live(request: HttpRequest) -> TemplateResponse:
    """What moves on the page; 304 while nothing did. The chosen statement stays as it is read."""
    return TemplateResponse(request, f"{TEMPLATE}#moves", _context(request, with_detail=False))


@require_http_methods(["GET", "POST"])
@login_required
@permission_required(MAY_ACT, raise_exception=True)
def threshold(request: HttpRequest) -> HttpResponse:
    """Ask, then change from when on a query is slow."""
    before = store.slow_ms()
    question = Question(
        title="Change what counts as slow",
        verb="Change it",
        keep=f"Keep {number(before)} ms",
        back=reverse("queries"),
        about="A query that takes longer is kept with its route, without its values.",
        facts=(
            Fact("Now", f"{number(before)} ms", "in every process"),
            Fact("Lower", "more is kept", "and each costs 0.1 ms"),
            Fact("Kept", "1,000 statements", "the least recent go first"),
        ),
        choices=(Choice("slow_ms", "Slow from", tuple((ms, f"{int(ms):,} ms") for ms in THRESHOLDS)),),
        outlook=(("Seen by every process", "within seconds"), ("Undo", "any time, here")),
    )
    answer = pages.ask(request, question)
    if not isinstance(answer, Answer):
        return answer
    after = int(answer.chosen["slow_ms"])
    store.set_slow_ms(after, actor=answer.actor, reason=answer.reason, now=timezone.now())
    return pages.done(request, answer.back, f"Queries are slow from {number(after)} ms.")


@require_http_methods(["GET", "POST"])
@login_required
@permission_required(MAY_ACT, raise_exception=True)
def prove(request: HttpRequest, fingerprint: str, index: str) -> HttpResponse:
    """Ask, then try an index on a small table, and take it back."""
    query = read.one(fingerprint)
    if query is None:
        raise Http404
    back = f"{reverse('queries')}?{urlencode({'query': fingerprint})}"
    try:
        proposal = proposal_of(query, index)
    except RefusedError as problem:
        return pages.refused(request, back, f"Nothing was tried. {problem}")
    question = Question(
        title="Try the index",
        subject=proposal.name,
        verb="Try it",
        keep="Leave the table alone",
        back=back,
        about="The index is made in a transaction, the plan is asked for again, and all of it is taken back.",
        facts=(
            Fact("Rows", number(proposal.rows), f"of {proposal.table}"),
            Fact("Writers wait", "2 s at most", "while the index is made"),
            Fact("Given up", "after 0.2 s", "where the table is busy"),
        ),
        outlook=(("Kept", "nothing but the two costs"), ("Readers", "don't notice")),
    )
    answer = pages.ask(request, question)
    if not isinstance(answer, Answer):
        return answer
    try:
        found = proof.try_out(query, proposal, actor=answer.actor, reason=answer.reason, now=timezone.now())
    except RefusedError as problem:
        return pages.refused(request, answer.back, f"Nothing was tried. {problem}")
    said = f"saves {percent(found.saves)} of the cost" if found.is_used else "is not used by the planner"
    return pages.done(request, answer.back, f"Tried and taken back: the index {said}.")


def _context(request: HttpRequest, *, with_detail: bool = True) -> dict[str, Any]:
    now = timezone.now()
    range_name = chosen_range(request)
    wanted, sort = _wanted(request), request.GET.get("sort", SORTS[0])
    found = board(range_name, wanted, now=now)
    fingerprint = request.GET.get("query", "")[:16]
    chosen = detail(fingerprint, range_name, now=now) if fingerprint and with_detail else None
    route = request.GET.get("route", "")
    return {
        "board": found,
        "chosen": chosen,
        "fingerprint": fingerprint,
        "is_gone": bool(fingerprint) and with_detail and chosen is None,
        "wanted": wanted,
        "route": route,
        "heads": [(head, f"?{_state(request, sort=name)}", name == wanted.sort) for name, head in HEADS.items()],
        "routes": [(name or OUTSIDE, name or "outside of requests") for name in found.routes],
        "unknown": [] if sort in SORTS else [sort[:20]],
        "kept": _state(request, query=""),
        "clear": _state(request, route="", q="", query=""),
        "live": pages.live(request, "queries", "queries-live", age_s=found.age_s),
        "enable": ENABLE,
        "slow_from": f"Slow from {number(found.slow_ms)} ms",
        "refused": "" if request.user.has_perm(MAY_ACT) else NOT_ALLOWED,
    }


def _wanted(request: HttpRequest) -> Wanted:
    sort, route = request.GET.get("sort", SORTS[0]), request.GET.get("route", "")
    text = request.GET.get("q", "").strip().replace("\0", "")[: read.TEXT_LENGTH]
    known = {"": None, OUTSIDE: ""}.get(route, route[:100])
    return Wanted(sort if sort in SORTS else SORTS[0], known, text)


def _state(request: HttpRequest, **changed: str) -> str:
    """The page's query with these parts changed; empty ones are left out."""
    kept = {name: request.GET.get(name, "") for name in ("range", "sort", "route", "q", "query")}
    return urlencode({name: value for name, value in (kept | changed).items() if value})
