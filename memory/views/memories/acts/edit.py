"""Edits a memory: another text is a new revision, embedded again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from flags.views.acts import sheet
from flags.views.acts.sheet import Sheet, Warn
from memory import remember
from memory.errors import HoldfastError
from memory.models import Kind, Memory, State
from memory.providers import configured
from memory.views.memories import words
from memory.views.memories.acts import doors
from monitoring.console import pages
from monitoring.console.field import Field

LONGEST: Final = 4096
FIELDS: Final = ("text", "kind", "importance", "pinned")


@doors.door()
def edit(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    memory = doors.memory_of(id)
    if request.method != "POST":
        status = 410 if memory.state == State.FORGOTTEN else 200
        return sheet.shown(request, _question(request, memory, _held(memory), {}), status=status)
    given = _given(request)
    faults = doors.unreasoned(given["reason"]) | _wrong(given)
    question = _question(request, memory, given, faults)
    if faults:
        return doors.again(request, question, faults)
    if given["version"] != str(memory.version):
        return sheet.shown(request, _since(request, memory, given), status=409)
    try:
        remember.edit(
            workspace_id=memory.workspace_id,
            memory_id=memory.pk,
            providers=configured.standby(),
            actor=request.user.get_username(),
            now=timezone.now(),
            reason=given["reason"],
            **_changes(memory, given),
        )
    except HoldfastError as error:
        faults = doors.told(error)
        return doors.refused(request, _question(request, memory, given, faults), error)
    return pages.done(request, doors.home(request, id), f"{words.short(id)} is edited.")


def _held(memory: Memory) -> dict[str, str]:
    return {
        "text": memory.text,
        "kind": memory.kind,
        "importance": f"{memory.importance:g}",
        "pinned": "on" if memory.pinned else "",
        "reason": "",
        "version": str(memory.version),
    }


def _given(request: HttpRequest) -> dict[str, str]:
    names = (*FIELDS, "reason", "version")
    return {name: request.POST.get(name, "").replace("\r\n", "\n").strip() for name in names}


def _wrong(given: Mapping[str, str]) -> dict[str, str]:
    faults = {}
    if not given["text"]:
        faults["text"] = "Write what is to be remembered. To erase the text, forget the memory"
    if given["kind"] not in Kind.values:
        faults["kind"] = "Choose one of the list"
    if _share(given["importance"]) is None:
        faults["importance"] = "A number from 0 to 1"
    return faults


def _share(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def _changes(memory: Memory, given: Mapping[str, str]) -> dict[str, Any]:
    """Only what is different from what it was."""
    wanted = {
        "text": given["text"],
        "kind": given["kind"],
        "importance": _share(given["importance"]),
        "pinned": given["pinned"] == "on",
    }
    return {name: value for name, value in wanted.items() if value != getattr(memory, name)}


def _question(
    request: HttpRequest,
    memory: Memory,
    given: Mapping[str, str],
    faults: Mapping[str, str],
    warnings: tuple[Warn, ...] = (),
) -> Sheet:
    return Sheet(
        title="Edit",
        subject=words.short(memory.pk),
        tail="",
        about=f"A fact about {memory.user_id}. Another text is a new revision; the old ones stay readable.",
        verb="Save",
        keep="Leave it as it is",
        back=doors.home(request, memory.pk),
        warnings=warnings,
        fields=_fields(given, faults),
        hidden=(("version", str(memory.version)),),
        barred="Its text is erased and can't be edited" if memory.state == State.FORGOTTEN else "",
        outlook=(("Undo", "edit it back: every text is kept in its revisions"),),
        icon="edit",
    )


def _fields(given: Mapping[str, str], faults: Mapping[str, str]) -> tuple[Field, ...]:
    problem = {name: sheet.sentence(text) for name, text in faults.items()}
    kinds = tuple((kind.value, kind.label) for kind in Kind)
    return (
        Field(
            "text",
            "Text",
            given["text"],
            "area",
            "One fact, as it is to be told.",
            rows=3,
            most=LONGEST,
            is_first=True,
            problem=problem.get("text", ""),
        ),
        Field(
            "kind",
            "Kind",
            given["kind"],
            "select",
            "What it is about.",
            options=kinds,
            problem=problem.get("kind", ""),
        ),
        Field(
            "importance",
            "Importance",
            given["importance"],
            "number",
            "0 to 1.",
            step="0.05",
            minimum="0",
            most=6,
            problem=problem.get("importance", ""),
        ),
        Field("pinned", "Pinned", given["pinned"], "check", "", example="Always part of the context"),
        sheet.reason_field(given["reason"], faults, is_first=False),
    )


def _since(request: HttpRequest, memory: Memory, given: Mapping[str, str]) -> Sheet:
    """Somebody else was faster: their text beside what was written, which is kept."""
    last = memory.revisions.order_by("-number").first()
    who = (last.actor or "the system") if last else "somebody"
    now = f"It is now “{doors.cut(memory.text)}”. What you wrote is kept below; saving replaces theirs."
    return _question(request, memory, given, {}, (Warn(f"{who} changed it meanwhile.", now, "info", "user"),))
