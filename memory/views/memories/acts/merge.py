"""Merges two memories of one user: first which other, then which text stays."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from flags.views.acts import sheet
from flags.views.acts.sheet import Sheet, Warn
from memory import remember, search
from memory.dedupe.relate import Relation
from memory.errors import HoldfastError
from memory.models import Memory, Outcome, State
from memory.providers import configured
from memory.remember.by_hand.deciding import compare
from memory.remember.by_hand.merge import chosen
from memory.views.memories import words
from memory.views.memories.acts import doors
from memory.views.memories.listing.asked import as_uuid
from memory.views.memories.listing.find import UNLOADED
from monitoring.console import pages
from monitoring.console.field import Field
from monitoring.console.pages import Fact

OFFERED: Final = 8
LONGEST: Final = 4096
WITH: Final = "with"
INTO: Final = "into"


@dataclass(frozen=True, slots=True)
class Pair:
    """The one whose id and text stay, and the one that points to it; `with_id` is the one that was chosen."""

    stays: Memory
    goes: Memory
    with_id: uuid.UUID


@doors.door()
def merge(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    memory = doors.memory_of(id)
    other = _other(memory, request.POST.get(WITH) or request.GET.get(WITH, ""))
    if other is None:
        return _choose(request, memory)
    into = as_uuid(request.POST.get(INTO) or request.GET.get(INTO, "")) or chosen([memory, other]).pk
    stays, goes = (other, memory) if into == other.pk else (memory, other)
    pair = Pair(stays, goes, other.pk)
    if request.method != "POST":
        return sheet.shown(request, _question(request, pair, stays.text, "", {}))
    text, reason = request.POST.get("text", "").replace("\r\n", "\n").strip(), doors.reason_of(request)
    faults = doors.unreasoned(reason) | ({} if text else {"text": "Write the text that stays"})
    question = _question(request, pair, text, reason, faults)
    if faults:
        return doors.again(request, question, faults)
    try:
        merged = remember.merge(
            workspace_id=memory.workspace_id,
            memory_ids=[stays.pk, goes.pk],
            into=stays.pk,
            text=text if text != stays.text else None,
            providers=configured.standby(),
            actor=request.user.get_username(),
            now=timezone.now(),
            reason=reason,
        )
    except HoldfastError as error:
        return doors.refused(request, question, error)
    said = f"{words.short(goes.pk)} is merged into {words.short(merged.pk)}."
    return pages.done(request, doors.home(request, merged.pk), said, undo=doors.undo_of(merged.pk, Outcome.MERGED))


def _other(memory: Memory, id: str) -> Memory | None:
    wanted = as_uuid(id)
    if wanted is None or wanted == memory.pk:
        return None
    return Memory.objects.defer(*UNLOADED).filter(pk=wanted, workspace=memory.workspace_id).first()


def _choose(request: HttpRequest, memory: Memory) -> HttpResponse:
    """Which other: those of the same user that are most alike, or that the words are looked for in."""
    q = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]
    refused = "" if memory.state == State.ACTIVE else f"It is {memory.state}: only active memories are merged"
    found = _offered(memory, q) if not refused else []
    return doors.context(
        request,
        "memory/memories/acts/merge.html",
        memory=memory,
        name=words.short(memory.pk),
        q=q,
        refused=refused,
        found=[(one, words.short(one.pk)) for one in found],
        back=doors.home(request, memory.pk),
    )


def _offered(memory: Memory, q: str) -> list[Memory]:
    query = q or memory.text[:LONGEST]
    embedded = configured.standby().embed([query])
    found = search.search(
        workspace_id=memory.workspace_id,
        user_id=memory.user_id,
        query=query,
        embedded=embedded,
        now=timezone.now(),
        limit=OFFERED + 1,
    )
    rows = Memory.objects.active().defer(*UNLOADED).in_bulk([hit.id for hit in found.hits if hit.id != memory.pk])
    return [rows[hit.id] for hit in found.hits if hit.id in rows][:OFFERED]


def _question(request: HttpRequest, pair: Pair, text: str, reason: str, faults: Mapping[str, str]) -> Sheet:
    stays, goes = pair.stays, pair.goes
    stays_name, goes_name = words.short(stays.pk), words.short(goes.pk)
    return Sheet(
        title="Merge",
        subject=goes_name,
        tail=f" into {stays_name}?",
        about=f"“{doors.cut(goes.text)}” leaves the list and points to {stays_name}, whose text stays.",
        verb="Merge them",
        keep="Keep both",
        back=doors.home(request, stays.pk),
        facts=(
            Fact("Stays", stays_name, f"revision {stays.version}"),
            Fact("Is merged", goes_name, f"revision {goes.version}"),
            Fact("Source messages", "kept", "of both"),
        ),
        warnings=_objections(stays, goes),
        fields=(
            Field(
                "text",
                "Text that stays",
                text,
                "area",
                f"The text of {stays_name}, the fuller one. Edit it where both are needed.",
                rows=3,
                most=LONGEST,
                is_first=True,
                problem=sheet.sentence(faults.get("text", "")),
            ),
            sheet.reason_field(reason, faults, is_first=False),
        ),
        hidden=((WITH, str(pair.with_id)), (INTO, str(stays.pk))),
        outlook=(("Undo", "any time, while nothing changed on top: both are as they were"),),
        icon="merge",
    )


def _objections(stays: Memory, goes: Memory) -> tuple[Warn, ...]:
    """What tells the two apart, unless one says all that the other says."""
    found = compare(stays, goes)
    if found.relation in {Relation.SAME, Relation.RICHER, Relation.POORER} or not found.guards:
        return ()
    said = [f"{one.guard} {', '.join(' '.join(side) for side in (one.a, one.b) if side)}" for one in found.guards]
    return (Warn("Guards object:", f"{'; '.join(said)}. These may be two facts."),)
