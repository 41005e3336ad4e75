"""What a row of the list says: state, kind, one mark, time, text, id, and how it stands to others."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count

from memory.models import Cause, Decision, Memory, Outcome, Revision, State
from memory.views.memories import words
from memory.views.memories.listing.asked import Asked
from monitoring.formats import number

SHOWN: Final = 300  # characters of a text
DECIDED: Final = 200  # decisions that are looked at for the marks of a list
REMOVED: Final = "Text removed"


@dataclass(frozen=True, slots=True)
class Row:
    id: uuid.UUID
    name: str
    state: str
    kind: str
    mark_icon: str
    mark: str
    time: str
    text: str
    relation: str
    is_gone: bool
    is_pinned: bool
    href: str


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is known about listed memories from other rows."""

    merged: Mapping[uuid.UUID, int]
    apart: Mapping[uuid.UUID, float]
    into: Mapping[uuid.UUID, float]
    by: Mapping[uuid.UUID, str]


def rows(memories: Sequence[Memory], asked: Asked, now: datetime) -> list[Row]:
    """The rows of a list, with four queries however many there are."""
    named = words.names(id for memory in memories for id in (memory.pk, memory.replaced_by_id))
    beside = _beside(memories)
    return [_row(memory, named, beside, asked, now) for memory in memories]


def alike(entry: Mapping[str, Any]) -> float:
    """How alike a candidate of a trace was: its score, or the cosine where none was kept."""
    value = entry.get("score", entry.get("similarity", 0))
    return float(value or 0)


def _row(memory: Memory, named: Mapping[uuid.UUID, str], beside: _Beside, asked: Asked, now: datetime) -> Row:
    is_forgotten = memory.state == State.FORGOTTEN
    icon, mark = _mark(memory, beside)
    return Row(
        id=memory.pk,
        name=named[memory.pk],
        state=State(memory.state).label,
        kind=memory.kind,
        mark_icon=icon,
        mark=mark,
        time=words.moment(memory.created_at, now),
        text=REMOVED if is_forgotten else memory.text[:SHOWN],
        relation=_relation(memory, named, beside),
        is_gone=memory.state != State.ACTIVE,
        is_pinned=memory.pinned,
        href=asked.opened(memory.pk),
    )


def _mark(memory: Memory, beside: _Beside) -> tuple[str, str]:
    """One of: how many were merged into it; how near the nearest is that was kept apart."""
    if memory.state != State.ACTIVE:
        return "", ""
    if count := beside.merged.get(memory.pk):
        return "merge", f"{number(count)} merged"
    if nearest := beside.apart.get(memory.pk):
        return "split", f"{words.similarity(nearest)}, kept apart"
    return "", ""


def _relation(memory: Memory, named: Mapping[uuid.UUID, str], beside: _Beside) -> str:
    other = named.get(memory.replaced_by_id) if memory.replaced_by_id else None
    if memory.state == State.MERGED and other:
        near = beside.into.get(memory.pk)
        return f"into {other}, {words.similarity(near)}" if near else f"into {other}"
    if memory.state == State.SUPERSEDED:
        return f"by {other}" if other else "by nothing"
    if memory.state == State.FORGOTTEN:
        actor = beside.by.get(memory.pk, "")
        return f"by {actor}, no restore" if actor else "no restore"
    return f"revision {memory.version}"


def _beside(memories: Sequence[Memory]) -> _Beside:
    ids = {state: [m.pk for m in memories if m.state == state] for state in State}
    active, merged, forgotten = ids[State.ACTIVE], ids[State.MERGED], ids[State.FORGOTTEN]
    into = Decision.objects.filter(other__in=merged, outcome=Outcome.MERGED).order_by("pk")
    gone = Revision.objects.filter(memory__in=forgotten, cause=Cause.FORGOTTEN)
    return _Beside(
        merged=_counts(active),
        apart=_apart(active),
        into=_into(into.values_list("other", "trace")[:DECIDED]) if merged else {},
        by=dict(gone.values_list("memory", "actor")) if forgotten else {},
    )


def _counts(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many were merged into each."""
    if not ids:
        return {}
    merged = Memory.objects.filter(replaced_by__in=ids, state=State.MERGED).values("replaced_by")
    counted = merged.annotate(count=Count("pk")).values_list("replaced_by", "count")
    return {id: count for id, count in counted if id is not None}


def _apart(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, float]:
    """The nearest that each was kept apart from, as far as decisions about listed memories say."""
    if not ids:
        return {}
    made = Decision.objects.filter(memory__in=ids).exclude(outcome=Outcome.DUPLICATE).order_by("-pk")
    listed = {str(id): id for id in ids}
    found: dict[uuid.UUID, float] = {}
    for id, trace in made.values_list("memory", "trace")[:DECIDED]:
        for entry in trace:
            if entry.get("outcome") != "kept_apart":
                continue
            for one in {id, listed.get(str(entry.get("id")), id)}:
                found[one] = max(found.get(one, 0.0), alike(entry))
    return found


def _into(made: Any) -> dict[uuid.UUID, float]:
    """How alike each merged memory was to the one that it went into, by the latest decision."""
    return {id: near for id, trace in made for entry in trace if entry.get("id") == str(id) and (near := alike(entry))}
