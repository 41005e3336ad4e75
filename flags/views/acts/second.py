"""The second person: over which share one is needed, and what waits for one."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from flags import change
from flags.errors import NotAllowedError
from flags.models import Proposal
from flags.views.acts import doors, sheet, since
from flags.views.acts.share import radius
from flags.views.acts.sheet import Sheet
from monitoring.console import pages
from monitoring.console.field import Field

ONLY_APPROVERS: Final = "Only people who may approve flags set this. Ask an admin."


@doors.door("GET", "POST")
def rollouts_approval(request: HttpRequest) -> HttpResponse:
    """Asks over which share a second person is needed, then sets it."""
    who = doors.admit(request)
    if not who.may_approve:
        raise NotAllowedError(ONLY_APPROVERS)
    over = change.flagset().approval_over
    given = request.POST.get("over", "" if over is None else doors.plain(over)).strip()[:40]
    reason = request.POST.get("reason", "").strip()
    if request.method != "POST":
        return sheet.shown(request, _approval(request, over, given, reason, {}))
    faults: dict[str, str] = {}
    wanted: Decimal | None = None
    try:
        wanted = doors.share_of(given) if given else None
    except ValueError as error:
        faults["over"] = str(error)
    if not sheet.fits(reason):
        faults["reason"] = sheet.wanted(reason)
    if faults:
        return sheet.shown(request, _approval(request, over, given, reason, faults), status=422)
    change.require_approval(wanted, by=who, reason=reason, now=timezone.now())
    said = (
        "No share needs a second person."
        if wanted is None
        else f"Over {doors.percent(wanted)} a second person is needed."
    )
    return pages.done(request, doors.back(request), said)


def _approval(request: HttpRequest, over: Decimal | None, given: str, reason: str, faults: Mapping[str, str]) -> Sheet:
    share = Field(
        name="over",
        label="Share over which a second person is needed",
        value=given,
        kind="number",
        minimum="0",
        step="0.001",
        unit="%",
        hint="Empty: none. Lowering and killing never need one.",
        problem=sheet.sentence(faults.get("over", "")),
    )
    return Sheet(
        title="When does a raise need a second person",
        subject="",
        about="Who raises a flag beyond this share makes a proposal, which somebody else approves.",
        verb="Set it",
        keep="Keep it" if over is None else f"Keep {doors.percent(over)}",
        back=doors.back(request),
        fields=(share, sheet.reason_field(reason, faults, is_first=False)),
    )


@doors.door("GET", "POST")
def rollout_proposal(request: HttpRequest, id: uuid.UUID, act: str) -> HttpResponse:
    """Approves or refuses what somebody else proposed."""
    if act not in ("approve", "refuse"):
        raise Http404(act)
    proposal = get_object_or_404(Proposal.objects.select_related("flag"), pk=id)
    flag, now = proposal.flag, timezone.now()
    who = doors.admit(request, flag)
    if request.method != "POST":
        return sheet.shown(request, _proposal(request, proposal, act, {}, now))
    reason = request.POST.get("reason", "").strip()
    back = doors.back(request, flag.name)
    if act == "approve":
        change.approve(proposal.pk, by=who, now=now)
        return pages.done(request, back, f"Approved: {flag.name} goes to {_asked(proposal)}.")
    if not sheet.fits(reason):
        faults = {"reason": sheet.wanted(reason)}
        return sheet.shown(request, _proposal(request, proposal, act, faults, now), status=422)
    change.refuse(proposal.pk, by=who, reason=reason, now=now)
    return pages.done(request, back, f"Refused: {flag.name} stays at {doors.percent(flag.share)}.")


def _asked(proposal: Proposal) -> str:
    return ", ".join(since.written(name, value) for name, value in proposal.edit.items() if name != "everyone")


def _proposal(request: HttpRequest, proposal: Proposal, act: str, faults: Mapping[str, str], now: datetime) -> Sheet:
    flag = proposal.flag
    approves = act == "approve"
    around = None
    if approves and "percent" in proposal.edit:
        around = radius.around(flag, Decimal(str(proposal.edit["percent"])), now=now)
    own = proposal.actor == request.user.get_username() and approves
    return Sheet(
        title=f"{'Approve' if approves else 'Refuse'} what {proposal.actor} proposes for",
        subject=flag.name,
        about=f"{_asked(proposal)}, {doors.ago(proposal.at, now)}: {proposal.reason}",
        facts=around.facts if around else (),
        facts_note=around.note if around else "",
        verb="Approve" if approves else "Refuse",
        keep="Not now",
        back=doors.back(request, flag.name),
        fields=() if approves else (sheet.reason_field(request.POST.get("reason", ""), faults),),
        barred="You proposed it: somebody else has to approve it." if own else "",
        is_danger=False,
    )
