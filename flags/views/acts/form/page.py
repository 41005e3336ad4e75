"""The forms' doors: a new flag, and one that is changed, where two people may do so at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from flags import change
from flags.errors import ConflictError, InvalidError, NotAllowedError, StaleError
from flags.models import Flag, Proposal
from flags.views.acts import doors, sheet, since
from flags.views.acts.form import fields, raw
from flags.views.acts.form.raw import Raw
from flags.views.acts.sheet import Since
from monitoring.console import pages

TEMPLATE = "flags/acts/form.html"
NOTHING = "Nothing is different from what it was. Change a field first."


@doors.door("GET", "POST")
def rollout_new(request: HttpRequest) -> HttpResponse:
    """The form of a flag that does not exist yet."""
    who = doors.admit(request)
    if doors.is_dialog(request):
        return doors.as_page(request)
    if request.method != "POST":
        return _shown(request, None, raw.blank(request.GET))
    given, reason = raw.sent(request.POST), _reason(request)
    if "more" in request.POST:
        return _shown(request, None, given)
    if not sheet.fits(reason):
        return _shown(request, None, given, faults={"reason": sheet.wanted(reason)})
    values = raw.edit(given, raw.blank({})) | {"percent": given.text["percent"]}
    try:
        change.create(given.text["name"], fields=values, by=who, reason=reason, now=timezone.now())
    except InvalidError as error:
        return _shown(request, None, given, faults=dict(error.faults))
    except NotAllowedError as error:
        return _shown(request, None, given, faults={"is_locked": str(error)}, status=403)
    except ConflictError as error:
        return _shown(request, None, given, problem=str(error), status=409)
    name = given.text["name"]
    return pages.done(request, doors.home(name), f"{name} exists now, at {given.text['percent']} %.")


@doors.door("GET", "POST")
def rollout_edit(request: HttpRequest, name: str) -> HttpResponse:
    """A flag's form: all but its share, which has a dialog of its own."""
    flag = doors.found(name)
    who = doors.admit(request, flag)
    if doors.is_dialog(request):
        return doors.as_page(request)
    if request.method != "POST":
        return _shown(request, flag, raw.of(flag))
    given, reason = raw.sent(request.POST), _reason(request)
    if "more" in request.POST:
        return _shown(request, flag, given)
    if not sheet.fits(reason):
        return _shown(request, flag, given, faults={"reason": sheet.wanted(reason)})
    wanted = raw.edit(given, raw.of(flag))
    seen = doors.version_of(request.POST)
    if not wanted and seen == flag.version:
        return _shown(request, flag, given, problem=NOTHING)
    return _change(request, flag, given, wanted, who=who, reason=reason)


def _change(
    request: HttpRequest, flag: Flag, given: Raw, wanted: Mapping[str, Any], *, who: change.Person, reason: str
) -> HttpResponse:
    now = timezone.now()
    # what nobody wants different is still refused where the flag is another one by now
    edit = wanted or {"note": given.text["note"]}
    try:
        made = change.change(
            flag.name, expect=doors.version_of(request.POST), edit=edit, by=who, reason=reason, now=now
        )
    except StaleError as stale:
        current = doors.found(flag.name)
        kept = raw.merged(given, stale.diff)
        told = since.told(stale, current, wanted=raw.edit(kept, raw.of(current)), now=now)
        return _shown(request, current, kept, told=told)
    except InvalidError as error:
        return _shown(request, flag, given, faults=dict(error.faults))
    except NotAllowedError as error:
        return _shown(request, flag, given, faults={"is_locked": str(error)}, status=403)
    except ConflictError as error:
        return _shown(request, flag, given, problem=str(error), status=409)
    back = doors.home(flag.name)
    if isinstance(made, Proposal):
        return pages.done(request, back, "Proposed: a second person has to approve it.")
    return pages.done(request, back, f"{flag.name} is saved.", undo_now=reverse("rollout-undo", args=[made.pk]))


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").strip()


def _shown(
    request: HttpRequest,
    flag: Flag | None,
    given: Raw,
    *,
    faults: Mapping[str, str] | None = None,
    problem: str = "",
    told: Since | None = None,
    status: int = 0,
) -> TemplateResponse:
    faults = faults or {}
    rest = sheet.rest(faults, *fields.SHOWN)
    seen = doors.version_of(request.POST) or (flag.version if flag else 0)
    page = {
        "title": flag.name if flag else "New flag",
        "about": f"at {doors.percent(flag.share)}, version {flag.version}" if flag else "not saved yet",
        "home": doors.home(flag.name if flag else ""),
        "version": flag.version if flag and told else seen,
        "groups": fields.groups(raw.with_room(given), faults, flag=flag),
        "operators": fields.operators(),
        "then": fields.THEN,
        "reason": sheet.reason_field(request.POST.get("reason", ""), faults, waits="", is_first=False),
        "verb": "Save flag" if flag else "Make flag",
        "problem": rest or problem or _count(faults),
        "since": told,
        "delete": reverse("rollout-delete", args=[flag.name]) if flag else "",
        "share": reverse("rollout-share", args=[flag.name]) if flag else "",
    }
    code = status or (409 if told else 422 if faults or problem else 200)
    return TemplateResponse(request, TEMPLATE, {"page": page}, status=code)


def _count(faults: Mapping[str, str]) -> str:
    many = len(faults)
    return (
        f"{many} {'field needs' if many == 1 else 'fields need'} another look: the reason stands there." if many else ""
    )
