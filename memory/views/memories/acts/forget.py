"""Forgets a memory: says what is erased and what stays, and shows the proof afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from flags.views.acts import sheet
from flags.views.acts.sheet import Sheet, Warn
from memory import remember
from memory.errors import HoldfastError
from memory.models import Decision, Memory, State
from memory.providers import configured
from memory.remember.erasure.report import merged_into
from memory.views.memories import words
from memory.views.memories.acts import doors
from memory.views.memories.detail.use import use
from monitoring.console import pages
from monitoring.console.field import Field
from monitoring.console.pages import Fact
from monitoring.formats import number

MESSAGES: Final = "messages"
ALSO: Final = "also"
MOST: Final = 99  # that go with it


@doors.door(doors.MAY_FORGET)
def forget(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    memory = doors.memory_of(id)
    reason = doors.reason_of(request)
    ticked = frozenset(name for name in (MESSAGES, ALSO) if request.POST.get(name) == "on")
    faults = doors.unreasoned(reason) if request.method == "POST" else {}
    merged = merged_into([memory.pk])[:MOST]
    question = _question(request, memory, reason, ticked, len(merged), faults)
    if memory.state == State.FORGOTTEN:
        return sheet.shown(request, question, status=410)
    if request.method != "POST":
        return sheet.shown(request, question)
    if faults:
        return doors.again(request, question, faults)
    try:
        remember.forget(
            workspace_id=memory.workspace_id,
            memory_id=memory.pk,
            actor=request.user.get_username(),
            now=timezone.now(),
            reason=reason,
            messages=MESSAGES in ticked,
            also=merged if ALSO in ticked else (),
            providers=configured.standby(),
        )
    except HoldfastError as error:
        return doors.refused(request, question, error)
    text = f"{words.short(id)} is forgotten. Its page shows what was erased, and what is left and why."
    return pages.done(request, doors.home(request, id), text)


def _question(
    request: HttpRequest,
    memory: Memory,
    reason: str,
    ticked: frozenset[str],
    merged: int,
    faults: Mapping[str, str],
) -> Sheet:
    used = use(memory, timezone.now())
    decisions = Decision.objects.filter(memory=memory)[:1000].count()
    return Sheet(
        title="Forget",
        subject=words.short(memory.pk),
        about=f"“{doors.cut(memory.text)}” is erased for good. That there was a memory stays, without its text.",
        verb="Forget it",
        keep="Keep it",
        back=doors.home(request, memory.pk),
        facts=(
            Fact("Texts erased", number(memory.version), "revisions, with the vector"),
            Fact("Decisions", number(decisions), "lose text and evidence"),
            doors.served_fact(used.times),
        ),
        warnings=(Warn("There is no undo.", "Caches, exports and waiting jobs are cleared as well."),),
        fields=(*_ticks(memory, ticked, merged), sheet.reason_field(reason, faults)),
        outlook=(
            ("Afterwards", "every place is searched for it, and its page shows what is left and why"),
            ("The user", "may say it again: then it is remembered again"),
        ),
        barred="It is forgotten already" if memory.state == State.FORGOTTEN else "",
        icon="forget",
        is_danger=True,
    )


def _ticks(memory: Memory, ticked: frozenset[str], merged: int) -> list[Field]:
    """What goes with it only where somebody says so."""
    asked = []
    if memory.source is not None:
        hint = f"Message {memory.source.position} of its conversation said it, and stays unless you tick this."
        asked.append(_tick(MESSAGES, "Source message", hint, "Erase what was said, too", ticked))
    if merged:
        hint = (
            f"{number(merged)} {'memory was' if merged == 1 else 'memories were'} merged into it and may say the same."
        )
        asked.append(_tick(ALSO, "Merged ones", hint, "Forget those, too", ticked))
    return asked


def _tick(name: str, label: str, hint: str, words_: str, ticked: frozenset[str]) -> Field:
    return Field(name, label, "on" if name in ticked else "", "check", hint, example=words_)
