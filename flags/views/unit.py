"""Whether a unit gets a flag, and which flags somebody gets: fragments for HTMX, and pages without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from flags import snapshot
from flags.models import Unit
from flags.rollout import Why
from flags.snapshot import Compiled
from flags.views.board import words
from flags.views.board.gather import one
from flags.views.board.row import Rights, address
from flags.views.board.states import Mark
from flags.views.opened import tester

MOST: Final = 200  # flags of one answer
GETS: Final = Mark("On", "ok", "check")
GETS_NOT: Final = Mark("Off", "off", "off")


@dataclass(frozen=True, slots=True)
class Variant:
    """One flag for one unit: whether it is on, and why."""

    name: str
    mark: Mark
    why: str
    share: str
    enters: str
    href: str


def asked(query: Mapping[str, str]) -> str:
    """The unit that the URL names."""
    return query.get("unit", "").strip()[: tester.LONGEST]


@require_safe
@login_required
def rollout_unit(request: HttpRequest, name: str) -> TemplateResponse | HttpResponseRedirect:
    """Is this unit in? Without HTMX the page with the flag open, which says the same."""
    found, unit = one(name), asked(request.GET.dict())
    if found is None:
        raise Http404
    if not request.headers.get("HX-Request"):
        return HttpResponseRedirect(address({"open": name, "unit": unit}))
    tested = tester.tester(found.flag, found.share, unit, now=timezone.now())
    rights = Rights.of(request.user)
    refused = "" if rights.may_change else "Only operators may change flags"
    if found.flag.is_locked and not rights.may_approve:
        refused = "Locked: only admins may change it"
    context = {"flag": found.flag, "tester": tested, "refused": refused}
    response = TemplateResponse(request, "flags/opened/tester.html", context)
    seen = QueryDict(urlsplit(request.headers.get("HX-Current-URL", "")).query).dict()
    response["HX-Replace-Url"] = address({**seen, "open": name, "unit": unit})
    return response


@require_safe
@login_required
def rollouts_unit(request: HttpRequest) -> TemplateResponse:
    """Which flags somebody gets: of a user, and of the workspace that the user is in."""
    query = request.GET.dict()
    unit, workspace = asked(query), query.get("workspace", "").strip()[: tester.LONGEST]
    found = variants(unit, workspace, now=timezone.now()) if unit or workspace else []
    context = {"unit": unit, "workspace": workspace, "variants": found, "on": sum(v.mark is GETS for v in found)}
    template = "flags/variants.html#list" if request.headers.get("HX-Request") else "flags/variants.html"
    response = TemplateResponse(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def variants(unit: str, workspace: str, *, now: datetime) -> list[Variant]:
    """Of the flags that draw what is given, by name; those of services and conversations are not about a person."""
    kinds = {Unit.USER: unit, Unit.WORKSPACE: workspace}
    known = sorted(snapshot.current().flags.values(), key=lambda flag: flag.name)
    drawn = [flag for flag in known if kinds.get(Unit(flag.unit))]
    return [_variant(flag, kinds[Unit(flag.unit)], workspace, now) for flag in drawn[:MOST]]


def _variant(flag: Compiled, unit: str, workspace: str, now: datetime) -> Variant:
    decision = tester.decided(flag.name, flag.unit, unit, now=now, workspace=workspace)
    share = 100 if flag.everyone else 0 if flag.everyone is False else flag.percent
    return Variant(
        name=flag.name,
        mark=GETS if decision.is_on else GETS_NOT,
        why=tester.why(decision) if decision.why is not Why.SPLIT else by_share(decision.is_on, words.share(share)),
        share=words.share(share),
        enters=words.share(decision.enters_at) if decision.enters_at is not None else "",
        href=address({"open": flag.name, "unit": unit}),
    )


def by_share(is_on: bool, share: str) -> str:
    return f"{'in' if is_on else 'not in'} the first {share} %" if share != "0" else "nobody is in at 0 %"
