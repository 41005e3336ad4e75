"""The settings of a workspace: each value with its default and bounds beside it, and a preview before it is saved."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from memory import tuning
from memory.errors import ConflictError, InvalidError
from memory.models import Kind, Tuning, Workspace
from memory.providers import configured
from memory.tuning import Terms, described, stored
from memory.work import preview
from monitoring.console.field import Field

TEMPLATE: Final = "memory/tuning.html"
MAY_CHANGE: Final = "memory.change_tuning"
SHOWN: Final = 20  # versions
QUESTIONS: Final = 4000  # characters


@dataclass(frozen=True, slots=True)
class Group:
    """Settings that belong together."""

    name: str
    about: str
    fields: list[Field]
    kinds: list[tuple[str, bool]] = field(default_factory=list)  # to be ticked
    problem: str = ""

    @property
    def title(self) -> str:
        return self.name.capitalize()


@dataclass(slots=True)
class Page:
    """What the page shows: the form as it was sent or as it holds, and what a preview found."""

    workspace: Workspace
    version: int
    groups: list[Group]
    questions: str
    reason: str = ""
    conflict: str = ""
    problem: str = ""
    number: int | None = None  # the earlier version that the form is filled with
    decisions: preview.Replay | None = None
    queries: Sequence[preview.Answered] = ()

    @property
    def history(self) -> list[Tuning]:
        return list(Tuning.objects.filter(workspace=self.workspace).order_by("-number")[:SHOWN])


@require_safe
@login_required
@permission_required(MAY_CHANGE, raise_exception=True)
def choose(request: HttpRequest) -> HttpResponse:
    """The workspaces, or the only one's settings."""
    workspaces = list(Workspace.objects.order_by("name")[:200])
    if len(workspaces) == 1:
        return HttpResponseRedirect(reverse("tuning", args=[workspaces[0].pk]))
    return TemplateResponse(request, "memory/tuning_choose.html", {"workspaces": workspaces})


@require_http_methods(["GET", "POST"])
@login_required
@permission_required(MAY_CHANGE, raise_exception=True)
def edit(request: HttpRequest, workspace: uuid.UUID) -> HttpResponse:
    """The form; what it would change, when a preview is asked for; or the change."""
    of = Workspace.objects.filter(pk=workspace).first()
    if of is None:
        raise Http404("There is no such workspace.")
    newest = tuning.newest(of.pk)
    was = stored.read(newest.terms if newest else {})
    if request.method != "POST":
        return TemplateResponse(request, TEMPLATE, {"page": _opened(request, of, newest, was)})
    page = _sent(request.POST, of, was, newest.number if newest else 0)
    try:
        wanted = stored.parse(_given(request.POST))
        if "save" in request.POST:
            return _saved(request, of, wanted)
    except InvalidError as refused:
        page.groups = _groups(was, request.POST, dict(refused.faults))
        page.problem = "Some values can't be meant: see beside them."
        return TemplateResponse(request, TEMPLATE, {"page": page}, status=422)
    except ConflictError as refused:
        page.conflict = str(refused)
        return TemplateResponse(request, TEMPLATE, {"page": page}, status=409)
    _look_ahead(page, was, wanted)
    return TemplateResponse(request, TEMPLATE, {"page": page})


def _opened(request: HttpRequest, of: Workspace, newest: Tuning | None, was: Terms) -> Page:
    """As it holds, or as the version of `?number=` had it."""
    number = request.GET.get("number", "")
    earlier = Tuning.objects.filter(workspace=of, number=int(number)).first() if number.isdecimal() else None
    shown = stored.read(earlier.terms) if earlier else Terms() if number == "0" else was
    asked = preview.asked_most(of.pk, now=time.time())
    questions = "\n".join(f"{each.user_id}: {each.query}" for each in asked)
    page = Page(of, newest.number if newest else 0, _groups(shown), questions)
    page.number = int(number) if earlier or number == "0" else None
    return page


def _sent(sent: QueryDict, of: Workspace, was: Terms, version: int) -> Page:
    """As somebody filled it in."""
    page = Page(of, version, _groups(was, sent), sent.get("questions", "")[:QUESTIONS], sent.get("reason", ""))
    seen = sent.get("version", "")
    page.version = int(seen) if seen.isdecimal() else version
    return page


def _saved(request: HttpRequest, of: Workspace, wanted: Terms) -> HttpResponse:
    seen = request.POST.get("version", "")
    made = tuning.change(
        workspace_id=of.pk,
        terms=stored.differing(wanted),
        expect=int(seen) if seen.isdecimal() else None,
        actor=request.user.get_username(),
        reason=request.POST.get("reason", "").strip(),
        now=timezone.now(),
    )
    messages.success(request, f"Saved as version {made.number}. Every process follows within two seconds.")
    return HttpResponseRedirect(reverse("tuning", args=[of.pk]))


def _look_ahead(page: Page, was: Terms, wanted: Terms) -> None:
    """What the form's values would make of stored decisions and of the questions."""
    asked = []
    for line in page.questions.splitlines():
        user_id, _, query = line.partition(":")
        if user_id.strip() and query.strip():
            asked.append(preview.Asked(user_id.strip(), query.strip()))
    of = page.workspace.pk
    page.decisions = preview.decisions(of, was=was, wanted=wanted)
    page.queries = preview.queries(
        of, asked[: preview.QUERIES], was=was, wanted=wanted, providers=configured.standby(), now=timezone.now()
    )


def _given(sent: QueryDict) -> dict[str, dict[str, Any]]:
    return described.from_texts(sent.dict(), {"extraction.kinds": sent.getlist("extraction.kinds")})  # type: ignore[arg-type]


def _groups(terms: Terms, sent: QueryDict | None = None, faults: Mapping[str, str] | None = None) -> list[Group]:
    """The form's groups, with what was sent in place of the values, and what is wrong with it."""
    faults = faults or {}
    groups = []
    for name, about, settings in described.groups(terms):
        fields: list[Field] = []
        kinds: list[tuple[str, bool]] = []
        for each in settings:
            if each.sort == "kinds":
                ticked = each.value if sent is None else sent.getlist(each.path)
                kinds = [(kind, kind in ticked) for kind in Kind.values]
            elif each.sort == "boosts":
                fields += [_boost(each, kind, sent, faults) for kind in Kind.values]
            else:
                value = _text(each.value) if sent is None else sent.get(each.path, "")
                fields.append(_field(each, value, faults.get(each.path, "")))
        groups.append(Group(name, about, fields, kinds, faults.get(name, "")))
    return groups


def _field(each: described.Setting, value: str, problem: str) -> Field:
    default = f"Default {_text(each.default)}"
    if value and value != _text(each.default):
        default = f"Changed: default {_text(each.default)}"
    beside = [default, each.bounds, each.description]
    return Field(
        name=each.path,
        label=each.title,
        value=value,
        kind="number",
        step="1" if each.sort == "whole" else "any",
        hint=". ".join(part.rstrip(".") for part in beside if part) + ".",
        example=_text(each.default),
        problem=problem,
    )


def _boost(each: described.Setting, kind: str, sent: QueryDict | None, faults: Mapping[str, str]) -> Field:
    path = f"{each.path}.{kind}"
    value = _text(each.value.get(kind, "")) if sent is None else sent.get(path, "")
    hint = f"Default 0. {each.bounds}."
    return Field(
        name=path,
        label=f"Boost of {kind}",
        value=value,
        kind="number",
        hint=hint,
        example="0",
        problem=faults.get(path, ""),
    )


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
