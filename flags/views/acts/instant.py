"""What is done at once: killing, taking a change back, and always in or out for one unit."""

from __future__ import annotations

import uuid
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from flags import change
from flags.models import Flag, FlagChange
from flags.views.acts import doors, sheet, since
from flags.views.acts.sheet import Sheet
from monitoring.console import pages

KILLED: Final = "Killed in the console"
UNDONE: Final = "Undone in the console"
OVERRIDES: Final = {"in": True, "out": False, "clear": None}
OVERRIDDEN: Final = {
    "in": ("Always in, set in the console", "{} always gets {} from now on."),
    "out": ("Always out, set in the console", "{} never gets {} from now on."),
    "clear": ("Override cleared in the console", "{} gets {} by its share again."),
}


@doors.door("GET", "POST")
def rollout_kill(request: HttpRequest, name: str) -> HttpResponse:
    """Off for everyone, now. Opened without a button it shows one, with room for a reason."""
    flag = doors.found(name)
    who = doors.admit(request, flag)
    if request.method != "POST":
        return sheet.shown(request, _kill(request, flag))
    made = change.kill(name, by=who, reason=doors.with_default(request, KILLED), now=timezone.now())
    text = f"{name} is killed: off for everyone."
    return pages.done(request, doors.back(request, name), text, undo_now=reverse("rollout-undo", args=[made.pk]))


def _kill(request: HttpRequest, flag: Flag) -> Sheet:
    return Sheet(
        title="Kill",
        subject=flag.name,
        about=f"Takes it from {doors.percent(flag.share)} to 0 % for everyone, in every process within a second.",
        verb="Kill flag",
        keep=f"Keep {doors.percent(flag.share)}",
        back=doors.back(request, flag.name),
        fields=(sheet.optional_reason(),),
        outlook=(("Undo", "any time, one click"), ("Data", "kept, nothing is deleted")),
        icon="power",
        is_danger=True,
    )


@doors.door("GET", "POST")
def rollout_undo(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """Takes a change back, as long as nothing has changed on top of it."""
    made = get_object_or_404(FlagChange.objects.select_related("flag"), pk=id)
    if made.flag is None:
        raise Http404(f"{made.name} is deleted")
    who = doors.admit(request, made.flag)
    if request.method != "POST":
        return sheet.shown(request, _undo(request, made, made.flag))
    back = doors.back(request, made.name)
    undone = change.undo(made.pk, by=who, reason=doors.with_default(request, UNDONE), now=timezone.now())
    if not isinstance(undone, FlagChange):
        return pages.done(request, back, "Proposed: a second person has to approve it.")
    text = f"Taken back: {made.name} is as it was before {made.actor} {since.did(made)}."
    return pages.done(request, back, text, undo_now=reverse("rollout-undo", args=[undone.pk]))


def _undo(request: HttpRequest, made: FlagChange, flag: Flag) -> Sheet:
    rows = tuple(
        (since.label(name), f"{since.written(name, made.after.get(name))} → {since.written(name, value)}")
        for name, value in made.before.items()
    )
    return Sheet(
        title="Take back what was done to",
        subject=made.name,
        about=f"{made.actor} {since.did(made)} {doors.ago(made.at, timezone.now())}: {made.reason}",
        verb="Take it back",
        keep="Leave it",
        back=doors.back(request, flag.name),
        fields=(sheet.optional_reason(),),
        outlook=rows,
        icon="restore",
    )


@doors.door("POST")
def rollout_override(request: HttpRequest, name: str) -> HttpResponse:
    """Always in, always out, or by the share again, for one unit."""
    who = doors.admit(request, doors.found(name))
    unit, choice = request.POST.get("unit", "").strip(), request.POST.get("is_on", "")
    back = doors.back(request, name)
    if choice not in OVERRIDES:
        return pages.refused(request, back, f"Nothing was changed. There is no override {choice[:20]!r}.")
    reason, said = OVERRIDDEN[choice]
    reason = doors.with_default(request, reason)
    change.override(name, unit, OVERRIDES[choice], by=who, reason=reason, now=timezone.now())
    return pages.done(request, back, said.format(unit, name))
