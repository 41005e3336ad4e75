"""A flag's end: asked for by its name, and not while the code asks for the flag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from flags import catalog, change
from flags.errors import ConflictError, StaleError
from flags.models import Flag
from flags.views.acts import doors, sheet, since
from flags.views.acts.sheet import Sheet, Warn
from monitoring.console import pages
from monitoring.console.field import Field


@doors.door("GET", "POST")
def rollout_delete(request: HttpRequest, name: str) -> HttpResponse:
    """Asks for the flag's name, then deletes it; not while the code asks for it."""
    flag = doors.found(name)
    who = doors.admit(request, flag)
    is_sent = request.method == "POST"
    if catalog.find(name):
        return sheet.shown(request, _used(request, flag), status=409 if is_sent else 200)
    if not is_sent:
        return sheet.shown(request, _asks(request, flag, flag.version, {}))
    seen = doors.version_of(request.POST)
    if faults := _faults(request, flag):
        return sheet.shown(request, _asks(request, flag, seen, faults), status=422)
    try:
        change.delete(name, expect=seen, by=who, reason=request.POST["reason"].strip(), now=timezone.now())
    except StaleError as stale:
        current = doors.found(name)
        told = since.told(stale, current, wanted={}, now=timezone.now())
        return sheet.shown(request, replace(_asks(request, current, current.version, {}), since=told), status=409)
    except ConflictError as error:
        return sheet.shown(request, replace(_asks(request, flag, seen, {}), problem=str(error)), status=409)
    return pages.done(request, doors.home(), f"{name} is deleted. Its history stays in the audit log.")


def _faults(request: HttpRequest, flag: Flag) -> dict[str, str]:
    reason = request.POST.get("reason", "").strip()
    faults = {}
    if request.POST.get("typed", "").strip() != flag.name:
        faults["typed"] = f"Write {flag.name} to delete it"
    if not sheet.fits(reason):
        faults["reason"] = sheet.wanted(reason)
    return faults


def _used(request: HttpRequest, flag: Flag) -> Sheet:
    why = "Take it out of the catalogue of the app that asks for it first; then it can be deleted here."
    return Sheet(
        title="Delete",
        subject=flag.name,
        verb="Delete flag",
        keep="Keep it",
        back=doors.back(request, flag.name),
        warnings=(Warn("The code still asks for it.", why, "info", "lock"),),
        barred="The code still asks for it.",
        icon="forget",
        is_danger=True,
    )


def _asks(request: HttpRequest, flag: Flag, version: int, faults: Mapping[str, str]) -> Sheet:
    typed = Field(
        name="typed",
        label=f"Write {flag.name} to delete it",
        value=request.POST.get("typed", ""),
        is_first=True,
        problem=sheet.sentence(faults.get("typed", "")),
    )
    return Sheet(
        title="Delete",
        subject=flag.name,
        about=f"It stands at {doors.percent(flag.share)}. What still asks for it gets off.",
        verb="Delete flag",
        keep="Keep it",
        back=doors.back(request, flag.name),
        fields=(typed, sheet.reason_field(request.POST.get("reason", ""), faults, is_first=False)),
        hidden=(("version", str(version)),),
        outlook=(("Undo", "none: its share, rules and overrides are gone"), ("History", "kept in the audit log")),
        icon="forget",
        is_danger=True,
    )
