"""The share's doors: the dialog that says what another share does, and a second look where somebody was faster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from flags import change
from flags.errors import ConflictError, InvalidError, StaleError
from flags.models import Flag, FlagChange, Proposal
from flags.views.acts import doors, sheet, since
from flags.views.acts.share import radius
from flags.views.acts.sheet import Sheet, Since
from monitoring.console import pages
from monitoring.console.field import Field

STOPS: Final = (1, 10, 25, 50, 100)
LEAP: Final = 50  # points: a raise by more asks for the flag's name
LOWERED: Final = "Lowered in the console"
UNKNOWN: Final = "-"  # asked about no share: whatever comes is asked about first
CHANGED: Final = "The share is another one now: this is what it does. Nothing was changed yet."


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed. `percent` is None where `text` is no share; `asked` is the share that the dialog spoke of."""

    text: str
    percent: Decimal | None
    reason: str
    typed: str
    version: int
    asked: str
    faults: Mapping[str, str] = field(default_factory=dict)


@doors.door("GET", "POST")
def rollout_share(request: HttpRequest, name: str) -> HttpResponse:
    """Asks before a flag's share changes, then changes it; one that falls needs no reason."""
    flag = doors.found(name)
    who = doors.admit(request, flag)
    now = timezone.now()
    draft = _draft(request, flag)
    if request.method != "POST":
        return _shown(request, flag, draft, now)
    if draft.faults:
        return _shown(request, flag, draft, now, status=422)
    if draft.asked not in ("", draft.text):
        return _shown(request, flag, draft, now, status=422, problem=CHANGED)
    return _change(request, flag, draft, who, now)


def _change(request: HttpRequest, flag: Flag, draft: Draft, who: change.Person, now: datetime) -> HttpResponse:
    try:
        made = change.change(
            flag.name, expect=draft.version, edit=_edit(flag, draft), by=who, reason=draft.reason, now=now
        )
    except StaleError as stale:
        flag = doors.found(flag.name)
        told = since.told(stale, flag, wanted={"percent": draft.percent}, now=now)
        return _shown(request, flag, draft, now, status=409, told=told)
    except InvalidError as error:
        faults = dict(error.faults)
        problem = sheet.rest(faults, "percent", "reason")
        return _shown(request, flag, _with(draft, faults), now, status=422, problem=problem)
    except ConflictError as error:
        return _shown(request, flag, draft, now, status=409, problem=str(error))
    return _told(request, flag, draft, made)


def _edit(flag: Flag, draft: Draft) -> dict[str, Any]:
    """A flag that is off or on for everyone is given back to its percentage."""
    return {"percent": draft.percent} | ({} if flag.everyone is None else {"everyone": None})


def _told(request: HttpRequest, flag: Flag, draft: Draft, made: FlagChange | Proposal) -> HttpResponse:
    back = doors.back(request, flag.name)
    share = doors.percent(draft.percent or Decimal(0))
    if isinstance(made, Proposal):
        text = f"Proposed: {flag.name} at {share}. A second person has to approve it; until then it stays as it is."
        return pages.done(request, back, text)
    text = f"{flag.name} goes from {doors.percent(flag.share)} to {share}."
    return pages.done(request, back, text, undo_now=reverse("rollout-undo", args=[made.pk]))


def _draft(request: HttpRequest, flag: Flag) -> Draft:
    is_sent = request.method == "POST"
    sent = request.POST if is_sent else request.GET
    text = sent.get("percent", "" if is_sent else _next(flag.share))[:40].strip()
    faults: dict[str, str] = {}
    try:
        percent = doors.share_of(text)
    except ValueError as error:
        percent, faults["percent"] = None, str(error)
    reason = sent.get("reason", "").strip()
    typed = sent.get("typed", "").strip()[:100]
    if percent is not None:
        text = doors.plain(percent)
        if percent < flag.share:
            reason = reason or LOWERED
        elif reason == LOWERED:
            reason = ""
        if is_sent and not _is_named(flag, percent, typed):
            faults["typed"] = f"write {flag.name} to go on"
    if is_sent and not sheet.fits(reason):
        faults["reason"] = sheet.wanted(reason)
    # what is seen first is what the flag is now; a dialog that is filled anew keeps what it saw
    seen = doors.version_of(sent) or doors.version_of(request.GET) or (0 if is_sent else flag.version)
    return Draft(text, percent, reason, typed, seen, sent.get("asked", "") if is_sent else "", faults)


def _with(draft: Draft, faults: Mapping[str, str]) -> Draft:
    return Draft(draft.text, draft.percent, draft.reason, draft.typed, draft.version, draft.asked, faults)


def _next(share: Decimal) -> str:
    return str(next((stop for stop in STOPS if stop > share), STOPS[-1]))


def _asks_name(flag: Flag, percent: Decimal) -> bool:
    """Whether this raise is one that nobody should make by a slip."""
    return percent > flag.share and (flag.is_locked or percent - flag.share > LEAP)


def _is_named(flag: Flag, percent: Decimal, typed: str) -> bool:
    return typed == flag.name or not _asks_name(flag, percent)


def _shown(
    request: HttpRequest,
    flag: Flag,
    draft: Draft,
    now: datetime,
    *,
    status: int = 200,
    problem: str = "",
    told: Since | None = None,
) -> HttpResponse:
    percent = flag.share if draft.percent is None else draft.percent
    word, tail, verb = _words(flag, percent)
    around = radius.around(flag, percent, now=now)
    version = flag.version if told else draft.version
    return sheet.shown(
        request,
        Sheet(
            title=word,
            subject=flag.name,
            tail=tail,
            verb=verb,
            keep=f"Keep {doors.percent(flag.share)}",
            back=doors.back(request, flag.name),
            about=flag.note,
            facts=around.facts,
            facts_note=around.note,
            since=told,
            warnings=around.warnings,
            problem=problem,
            fields=_fields(flag, draft, percent, is_beaten=told is not None),
            hidden=(("version", str(version)), ("asked", UNKNOWN if draft.percent is None else draft.text)),
            outlook=around.outlook,
            barred=around.barred,
        ),
        status=status,
    )


def _words(flag: Flag, percent: Decimal) -> tuple[str, str, str]:
    """The title before and after the flag's name, and what the button says."""
    if percent == flag.share:
        return "Change the share of", f" from {doors.percent(percent)}?", "Change it"
    word, target = "Raise" if percent > flag.share else "Lower", doors.percent(percent)
    return word, f" from {doors.percent(flag.share)} to {target}?", f"{word} to {target}"


def _fields(flag: Flag, draft: Draft, percent: Decimal, *, is_beaten: bool) -> tuple[Field, ...]:
    """Where somebody was faster, the reason is there already, and what is read first is the difference."""
    share = Field(
        name="percent",
        label=f"Share of {doors.UNITS[flag.unit]}",
        value=draft.text,
        kind="number",
        minimum="0",
        step="0.001",
        unit="%",
        hint="0 to 100, in steps of 0.001.",
        again=reverse("rollout-share", args=[flag.name]),
        problem=sheet.sentence(draft.faults.get("percent", "")),
    )
    typed = Field(
        name="typed",
        label=f"Write {flag.name} to go on",
        value=draft.typed,
        hint="The flag is locked." if flag.is_locked else f"It rises by more than {LEAP} points at once.",
        problem=sheet.sentence(draft.faults.get("typed", "")),
    )
    reason = sheet.reason_field(draft.reason, draft.faults, is_first=not is_beaten)
    return (share, *((typed,) if _asks_name(flag, percent) else ()), reason)
