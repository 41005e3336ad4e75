"""Splits a memory that says several things: one line for each."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from flags.views.acts import sheet
from flags.views.acts.sheet import Sheet
from memory import remember
from memory.errors import HoldfastError
from memory.models import Memory, Outcome, State
from memory.providers import configured
from memory.views.memories import words
from memory.views.memories.acts import doors
from monitoring.console import pages
from monitoring.console.field import Field

LEAST: Final = 2
MOST: Final = 8
LONGEST: Final = 8000
SENTENCES: Final = re.compile(r"(?<=[.;!?])\s+")


@doors.door()
def split(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    memory = doors.memory_of(id)
    if request.method != "POST":
        offered = "\n".join(SENTENCES.split(memory.text))
        return sheet.shown(request, _question(request, memory, offered, "", {}), status=_status(memory))
    said, reason = request.POST.get("texts", "")[:LONGEST], doors.reason_of(request)
    texts = [line.strip() for line in said.splitlines() if line.strip()]
    faults = doors.unreasoned(reason)
    if not LEAST <= len(texts) <= MOST:
        faults["texts"] = (
            f"Write {LEAST} to {MOST} lines, one fact each; there {'is' if len(texts) == 1 else 'are'} {len(texts)}"
        )
    if faults:
        return doors.again(request, _question(request, memory, said, reason, faults), faults)
    try:
        parts = remember.split(
            workspace_id=memory.workspace_id,
            memory_id=memory.pk,
            texts=texts,
            providers=configured.standby(),
            actor=request.user.get_username(),
            now=timezone.now(),
            reason=reason,
        )
    except HoldfastError as error:
        return doors.refused(request, _question(request, memory, said, reason, doors.told(error)), error)
    first = parts[0].pk
    text = f"{words.short(id)} is split into {len(parts)}."
    return pages.done(request, doors.home(request, first), text, undo=doors.undo_of(first, Outcome.SPLIT))


def _status(memory: Memory) -> int:
    if memory.state == State.FORGOTTEN:
        return 410
    return 200 if memory.state == State.ACTIVE else 409


def _question(request: HttpRequest, memory: Memory, said: str, reason: str, faults: Mapping[str, str]) -> Sheet:
    barred = "" if memory.state == State.ACTIVE else f"It is {memory.state}: only active memories are split"
    return Sheet(
        title="Split",
        subject=words.short(memory.pk),
        about=f"“{doors.cut(memory.text)}” becomes {LEAST} to {MOST} memories. Each keeps its kind, dates and source.",
        verb="Split it",
        keep="Keep it whole",
        back=doors.home(request, memory.pk),
        problem="",
        fields=(
            Field(
                "texts",
                "Facts",
                said,
                "area",
                "One fact a line.",
                rows=4,
                most=LONGEST,
                is_first=True,
                problem=sheet.sentence(faults.get("texts", "")),
            ),
            sheet.reason_field(reason, faults, is_first=False),
        ),
        barred=barred,
        outlook=(
            ("The whole", "stays in the history, superseded"),
            ("Undo", "brings the whole back and retires the parts"),
        ),
        icon="split",
    )
