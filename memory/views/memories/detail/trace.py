"""Why a memory is as it is: one of its decisions with the candidates that were weighed, as a table."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from memory.models import DecidedBy, Decision, Memory, Outcome, State
from memory.views.memories import words
from memory.views.memories.detail.marks import Part, marked
from memory.views.memories.listing.asked import as_uuid
from memory.views.memories.listing.row import alike
from memory.views.memories.words import Mark
from monitoring.formats import duration

SHOWN: Final = 20  # candidates of one decision
LONGEST: Final = 300
WHY: Final = {
    Outcome.ADDED: ("Why it was added", "Why it was added"),
    Outcome.DUPLICATE: ("Why nothing was added", "Why nothing was added"),
    Outcome.MERGED: ("Why it merged", "Why it was merged"),
    Outcome.SUPERSEDED: ("Why it replaced another", "Why it was superseded"),
    Outcome.KEPT_APART: ("Why it was kept apart", "Why it was kept apart"),
    Outcome.REVIEW: ("Why it is in question", "Why it is in question"),
    Outcome.SPLIT: ("Why it was split", "Why it was split off"),
    Outcome.RESTORED: ("Why it was restored", "Why it was restored"),
}
HOW: Final = {DecidedBy.REAL_TIME: "real-time dedup", DecidedBy.BATCH: "batch dedup", DecidedBy.PERSON: "by hand"}
UNDOABLE: Final = frozenset({*Outcome} - {Outcome.REVIEW})


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard that fired, with the deciding words of both sides."""

    name: str
    words: str

    @property
    def text(self) -> str:
        return f"{self.name} {self.words}".strip()


@dataclass(frozen=True, slots=True)
class Line:
    """A candidate: its text as it is now, how alike it was, what fired, and what became of it."""

    id: uuid.UUID | None
    name: str
    parts: list[Part]
    missing: str  # why there is no text
    alike: str
    cosine: str
    tone: str
    value: int  # percent of the bar
    limit: int
    guards: list[Guard]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Trace:
    """The decision that is shown in full."""

    title: str
    about: str
    fact: str  # what was said, where the memory says it otherwise now
    lines: list[Line]
    more: int


@dataclass(frozen=True, slots=True)
class Step:
    """One of the memory's decisions, as a line to choose from."""

    id: uuid.UUID
    mark: Mark
    word: str
    about: str
    time: str
    other: str
    other_id: uuid.UUID | None
    reason: str
    is_shown: bool
    undone: str
    may_undo: bool
    waits: bool


def trace(decision: Decision, memory: Memory, candidates: Mapping[uuid.UUID, Memory], now: datetime) -> Trace:
    entries = list(decision.trace)[:SHOWN]
    limit = _limit(decision.thresholds)
    named = words.names(as_uuid(str(entry.get("id", ""))) for entry in entries)
    low = _low(limit, [alike(entry) for entry in entries])
    is_other = decision.memory_id != memory.pk
    return Trace(
        title=WHY[Outcome(decision.outcome)][is_other],
        about=_about(decision, limit, now),
        fact="" if decision.text == memory.text else decision.text[:LONGEST],
        lines=[_line(entry, candidates, named, limit, low) for entry in entries],
        more=max(0, len(decision.trace) - SHOWN),
    )


def ids_in(decision: Decision) -> list[uuid.UUID]:
    """The candidates that a decision names."""
    found = (as_uuid(str(entry.get("id", ""))) for entry in list(decision.trace)[:SHOWN])
    return [id for id in found if id is not None]


def steps(decisions: Sequence[Decision], memory: Memory, shown: Decision | None, now: datetime) -> list[Step]:
    """The decisions of a memory, the latest first."""
    others = {one.pk: one.other_id if one.memory_id == memory.pk else one.memory_id for one in decisions}
    named = words.names(others.values())
    return [_step(one, memory, others[one.pk], named, shown, now) for one in decisions]


def _step(
    decision: Decision,
    memory: Memory,
    other: uuid.UUID | None,
    named: Mapping[uuid.UUID, str],
    shown: Decision | None,
    now: datetime,
) -> Step:
    waits = decision.outcome == Outcome.REVIEW and not decision.resolved_at and not decision.undone_at
    undone = (
        f"undone by {decision.undone_by or 'somebody'} {words.moment(decision.undone_at, now)}"
        if (decision.undone_at)
        else ""
    )
    return Step(
        id=decision.pk,
        mark=words.DECISIONS[Outcome(decision.outcome)],
        word=_word(decision, memory, other),
        about=_resolved(decision) or _who(decision),
        time=words.moment(decision.created_at, now),
        other=named.get(other, "") if other else "",
        other_id=other,
        reason=decision.reason,
        is_shown=shown is not None and shown.pk == decision.pk,
        undone=undone,
        may_undo=not undone and (decision.outcome in UNDOABLE or bool(decision.resolved_at)),
        waits=waits,
    )


def _word(decision: Decision, memory: Memory, other: uuid.UUID | None) -> str:
    """Superseded by, where another one follows; without one, the outcome alone."""
    outcome = Outcome(decision.outcome)
    return words.SIDES[outcome][decision.memory_id != memory.pk] if other else words.DECISIONS[outcome].word


def _resolved(decision: Decision) -> str:
    if not decision.resolved_at:
        return ""
    word = Outcome(decision.resolution).label.lower() if decision.resolution else "answered"
    return f"{word} by {decision.resolved_by or 'somebody'}"


def _who(decision: Decision) -> str:
    if decision.by == DecidedBy.PERSON and decision.actor:
        return f"by {decision.actor}"
    return HOW[DecidedBy(decision.by)]


def _about(decision: Decision, limit: float | None, now: datetime) -> str:
    """real-time dedup at 14:12:08, 4 candidates in 11 ms, limit 0.92"""
    count = len(decision.trace)
    weighed = f"{count} candidate{'' if count == 1 else 's'}" if count else "no candidate"
    took = f" in {duration(decision.took_ms / 1000)}" if decision.took_ms else ""
    said = [f"{_who(decision)} at {words.exactly(decision.created_at, now)}", f"{weighed}{took}"]
    if limit is not None and count:
        said.append(f"limit {limit:g}")
    return ", ".join(said)


def _limit(thresholds: Mapping[str, Any]) -> float | None:
    """From where on a fact counted as the same one."""
    value = thresholds.get("same", thresholds.get("near_certain"))
    return float(value) if isinstance(value, int | float) else None


def _low(limit: float | None, values: Sequence[float]) -> float:
    """Where the bars begin: a fifth of them lies below the limit, unless a candidate lies lower still."""
    wide = 0.75 if limit is None else limit - 0.25 * (1 - limit)
    least = min([wide, *values])
    return max(0.0, least if least == wide else least - 0.05 * (1 - least))


def _line(
    entry: Mapping[str, Any],
    candidates: Mapping[uuid.UUID, Memory],
    named: Mapping[uuid.UUID, str],
    limit: float | None,
    low: float,
) -> Line:
    id = as_uuid(str(entry.get("id", "")))
    known = candidates.get(id) if id else None
    guards = [_guard(one) for one in entry.get("guards", [])]
    deciding = [word for one in entry.get("guards", []) for side in ("b", "a") for word in one.get(side, [])]
    mark = words.CANDIDATES.get(str(entry.get("outcome")), words.UNDECIDED)
    score = alike(entry)
    cosine = entry.get("similarity")
    is_gone = known is not None and known.state == State.FORGOTTEN
    return Line(
        id=id if known else None,
        name=named.get(id, "") if id else "",
        parts=marked(known.text[:LONGEST], deciding) if known and not is_gone else [],
        missing="" if known and not is_gone else "Forgotten: its text is erased" if known else "Not there any more",
        alike=words.similarity(score),
        cosine=words.similarity(float(cosine)) if cosine is not None and "score" in entry else "",
        tone="ok" if mark in (words.CANDIDATES["merged"], words.CANDIDATES["duplicate"]) else "off",
        value=_percent(score, low),
        limit=_percent(limit, low) if limit is not None else 0,
        guards=guards,
        mark=mark,
    )


def _guard(one: Mapping[str, Any]) -> Guard:
    sides = [" ".join(str(word) for word in one.get(side, [])) for side in ("a", "b")]
    said = ", ".join(side for side in sides if side)
    return Guard(str(one.get("guard", "")).capitalize(), said if len(said) <= 60 else f"{said[:59]}…")


def _percent(value: float, low: float) -> int:
    return round(100 * min(1.0, max(0.0, (value - low) / (1 - low))))
