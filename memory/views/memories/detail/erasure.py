"""The proof of a forgotten memory: place by place what was erased, what is left, and why."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from memory.models import Erasure, Memory, State
from memory.views.memories import words
from memory.views.memories.listing.asked import as_uuid
from monitoring.formats import number

NAMED: Final = 5  # of what is left in a place


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    erased: str
    left: str
    why: str
    is_clean: bool


@dataclass(frozen=True, slots=True)
class Also:
    """Another memory that may say it."""

    id: uuid.UUID
    name: str
    said: str


@dataclass(frozen=True, slots=True)
class Proof:
    """`searched` is when it was looked for; empty while that is still to come."""

    actor: str
    time: str
    reason: str
    searched: str
    verdict: str
    is_clean: bool
    places: list[Place]
    also: list[Also]


def proof(memory: Memory, now: datetime) -> Proof | None:
    """None where it is not forgotten, or was before proofs were kept."""
    if memory.state != State.FORGOTTEN:
        return None
    mine = Erasure.objects.filter(workspace=memory.workspace_id, memory_id=memory.pk)
    found = mine.order_by("-pk").first()
    return _proof(found, now) if found else None


def _proof(erasure: Erasure, now: datetime) -> Proof:
    told = erasure.report
    searched = told.get("searched_at")
    left = int(told.get("left") or 0)
    also = [_also(line) for line in told.get("also", [])]
    return Proof(
        actor=erasure.actor,
        time=words.exactly(erasure.created_at, now),
        reason=erasure.reason,
        searched=words.exactly(datetime.fromisoformat(searched), now) if searched else "",
        verdict=_verdict(left, is_searched=bool(searched)),
        is_clean=bool(searched) and not left,
        places=[_place(line) for line in told.get("places", [])],
        also=[one for one in also if one is not None],
    )


def _verdict(left: int, *, is_searched: bool) -> str:
    if not is_searched:
        return "Erased; what is left is being looked for."
    if not left:
        return "Nothing is left: a search of every place found no wording of it."
    return (
        f"{number(left)} row{'' if left == 1 else 's'} still {'says' if left == 1 else 'say'} it, for the reason given."
    )


def _place(line: dict[str, Any]) -> Place:
    left, erased = int(line.get("left") or 0), int(line.get("erased") or 0)
    named = ", ".join(f"…{str(id)[-8:]}" for id in line.get("ids", [])[:NAMED])
    said = number(left) if left else "none"
    return Place(
        name=str(line.get("place", "")).capitalize(),
        erased=number(erased) if erased else "",
        left=f"{said}: {named}" if left and named else said,
        why=str(line.get("why", "")),
        is_clean=not left,
    )


def _also(line: dict[str, str]) -> Also | None:
    id = as_uuid(str(line.get("id", "")))
    return Also(id, words.short(id), f"{line.get('why', '')}, {line.get('state', '')}") if id else None
