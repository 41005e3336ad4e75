"""Brings back: a memory that was merged or superseded, or all that a decision changed."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from flags.views.acts import sheet
from flags.views.acts.sheet import Sheet
from memory import remember
from memory.errors import HoldfastError
from memory.models import Decision, Memory, Outcome, State
from memory.providers import configured
from memory.views.memories import words
from memory.views.memories.acts import doors
from monitoring.console import pages
from monitoring.console.pages import Fact


@doors.door()
def restore(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    memory = doors.memory_of(id)
    reason = doors.reason_of(request)
    faults = doors.unreasoned(reason) if request.method == "POST" else {}
    question = _restore(request, memory, reason, faults)
    if request.method != "POST":
        status = 410 if memory.state == State.FORGOTTEN else 409 if memory.state == State.ACTIVE else 200
        return sheet.shown(request, question, status=status)
    if faults:
        return doors.again(request, question, faults)
    try:
        remember.restore(
            workspace_id=memory.workspace_id,
            memory_id=memory.pk,
            actor=request.user.get_username(),
            now=timezone.now(),
            reason=reason,
        )
    except HoldfastError as error:
        return doors.refused(request, question, error)
    undo = doors.undo_of(id, Outcome.RESTORED)
    return pages.done(request, doors.home(request, id), f"{words.short(id)} is active again.", undo=undo)


@doors.door()
def undo(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """`id` is the decision's."""
    found = Decision.objects.select_related("memory", "other").defer("memory__embedding", "other__embedding")
    decision = get_object_or_404(found, pk=id)
    reason = doors.reason_of(request)
    faults = doors.unreasoned(reason) if request.method == "POST" else {}
    question = _undo(request, decision, reason, faults)
    if request.method != "POST":
        return sheet.shown(request, question, status=409 if decision.undone_at else 200)
    if faults:
        return doors.again(request, question, faults)
    try:
        remember.undo(
            workspace_id=decision.workspace_id,
            decision_id=decision.pk,
            providers=configured.standby(),
            actor=request.user.get_username(),
            now=timezone.now(),
            reason=reason,
        )
    except HoldfastError as error:
        return doors.refused(request, question, error)
    word = words.DECISIONS[Outcome(decision.outcome)].word.lower()
    return pages.done(request, _home(request, decision), f"Undone: “{word}” is taken back.")


def _restore(request: HttpRequest, memory: Memory, reason: str, faults: dict[str, str]) -> Sheet:
    instead = words.short(memory.replaced_by_id) if memory.replaced_by_id else ""
    barred = {
        State.FORGOTTEN: "Its text is erased: there is nothing to restore",
        State.ACTIVE: "It is active already",
    }.get(State(memory.state), "")
    beside = f"{instead} stays active beside it." if instead else "Nothing had taken its place."
    return Sheet(
        title="Restore",
        subject=words.short(memory.pk),
        about=f"“{doors.cut(memory.text)}” is served again. {beside}" if memory.text else barred,
        verb="Restore it",
        keep=f"Leave it {memory.state}",
        back=doors.home(request, memory.pk),
        fields=(sheet.reason_field(reason, faults),),
        barred=barred,
        outlook=(
            ("The pair", "counts as kept apart: it is not merged again"),
            ("Undo", "any time, while nothing changed on top"),
        ),
        icon="restore",
    )


def _undo(request: HttpRequest, decision: Decision, reason: str, faults: dict[str, str]) -> Sheet:
    mark = words.DECISIONS[Outcome(decision.outcome)]
    now = timezone.now()
    who = decision.actor or decision.get_by_display().lower().replace("_", " ")
    changed = len(decision.effects)
    barred = f"Undone already by {decision.undone_by or 'somebody'}" if decision.undone_at else ""
    return Sheet(
        title="Undo",
        subject=mark.word.lower(),
        about=f"Decided by {who}, {words.exactly(decision.created_at, now)}. {_then(decision)}",
        verb="Undo it",
        keep="Leave it",
        back=_home(request, decision),
        facts=(
            Fact("Memories put back", str(changed), "exactly as they were"),
            Fact("Holds the fact", words.short(decision.memory_id) if decision.memory_id else "nobody", "now"),
            Fact("Other side", words.short(decision.other_id) if decision.other_id else "none", ""),
        ),
        fields=(sheet.reason_field(reason, faults),),
        barred=barred,
        outlook=(("If it changed since", "nothing is done, and what came later is named"),),
        icon="restore",
    )


def _then(decision: Decision) -> str:
    """What undoing does beside putting back."""
    return {
        Outcome.ADDED: "The memory is retired.",
        Outcome.DUPLICATE: "The fact becomes a memory of its own.",
        Outcome.SPLIT: "The parts are retired, and the whole is active again.",
        Outcome.REVIEW: "The question waits again.",
    }.get(Outcome(decision.outcome), "What was added stays beside it, since it was said.")


def _home(request: HttpRequest, decision: Decision) -> str:
    """The memory that it gives back, else the one that has the fact."""
    put_back = decision.other_id if decision.outcome == Outcome.SPLIT else None
    id = put_back or decision.memory_id or decision.other_id
    return doors.home(request, id) if id else reverse("memories")
