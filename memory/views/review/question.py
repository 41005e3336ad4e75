"""One waiting question in words: the two memories, what differs, and what each answer does."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.urls import reverse

from memory.models import Decision, Memory
from memory.views.memories import words
from memory.views.memories.detail.marks import Part, marked
from memory.views.memories.detail.source import Quote, quotes
from memory.views.memories.detail.trace import Guard

LONGEST: Final = 1000  # characters of a text that are shown


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: its text with the deciding words marked, since when it holds, and where it was said."""

    title: str
    name: str
    href: str
    parts: list[Part]
    state: str
    kind: str
    since: str
    is_pinned: bool
    quote: Quote | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A button: its key, what it says, and what it does."""

    key: str
    as_: str
    label: str
    icon: str
    does: str
    href: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, the later said fact first."""

    id: uuid.UUID
    user: str
    asked_at: str
    alike: str
    value: int  # percent of the bar
    limit: int
    guards: list[Guard]
    sides: list[Side]
    answers: list[Answer]


def question(decision: Decision, now: datetime, *, may_read: bool) -> Question | None:
    """None where one of the two is gone: there is nothing to compare then."""
    if decision.memory is None or decision.other is None:
        return None
    later, earlier = sorted((decision.memory, decision.other), key=_said, reverse=True)
    entry = _entry(decision)
    guards = list(entry.get("guards", ()))
    score = float(entry.get("score", entry.get("similarity", 0.0)))
    texts = [word for guard in guards for side in ("a", "b") for word in guard.get(side, ())]
    return Question(
        id=decision.pk,
        user=decision.user_id,
        asked_at=words.moment(decision.created_at, now),
        alike=words.similarity(score),
        value=round(score * 100),
        limit=round(float(decision.thresholds.get("same", 1.0)) * 100),
        guards=[_guard(guard) for guard in guards],
        sides=[
            _side("Said later", later, texts, now, may_read=may_read),
            _side("Said before", earlier, texts, now, may_read=may_read),
        ],
        answers=_answers(decision, later, earlier, now),
    )


def _said(memory: Memory) -> tuple[datetime, uuid.UUID]:
    return memory.valid_from or memory.created_at, memory.pk


def _entry(decision: Decision) -> dict[str, Any]:
    """What the trace says of the pair."""
    ids = {str(decision.other_id), str(decision.memory_id)}
    return next((entry for entry in decision.trace if entry.get("id") in ids), {})


def _guard(guard: dict[str, Any]) -> Guard:
    sides = [" ".join(guard.get(side, ())) for side in ("a", "b")]
    return Guard(str(guard.get("guard", "")).replace("_", " ").capitalize(), ", ".join(filter(None, sides)))


def _side(title: str, memory: Memory, deciding: Sequence[str], now: datetime, *, may_read: bool) -> Side:
    said = quotes(memory, [], now, may_read=may_read)
    return Side(
        title=title,
        name=words.short(memory.pk),
        href=reverse("memory", args=[memory.pk]),
        parts=marked(memory.text[:LONGEST], deciding),
        state=memory.state,
        kind=memory.kind,
        since=words.exactly(memory.valid_from or memory.created_at, now),
        is_pinned=memory.pinned,
        quote=said[0] if said else None,
    )


def _answers(decision: Decision, later: Memory, earlier: Memory, now: datetime) -> list[Answer]:
    until = words.day(later.valid_from or later.created_at, now)
    told = (
        ("1", "same", "Same", "merge", "The one that says more stays, the other is merged into it."),
        ("2", "replace", "Replace", "audit", f"{words.short(later.pk)} holds; the other ended on {until}."),
        ("3", "apart", "Keep apart", "split", "Both stay, and are never compared again."),
    )
    return [
        Answer(key, as_, label, icon, does, reverse("review-resolve", args=[decision.pk, as_]))
        for key, as_, label, icon, does in told
    ]
