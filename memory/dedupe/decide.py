"""Decides what becomes of a fact beside what is stored, and keeps the trace of what it was weighed against."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from memory.dedupe.guards import Evidence
from memory.dedupe.relate import Relation, relate
from memory.models import Outcome, State
from memory.tuning.terms import Dedupe

Pair = frozenset[UUID]

KNOWN: Final = (Relation.SAME, Relation.POORER)  # what was said is stored already
RETIRES: Final = (Relation.RICHER, Relation.CONFLICT)  # the stored fact may give way


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored fact that may be the same; `similarity` is the cosine with the new one."""

    id: UUID
    text: str
    text_hash: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Standing:
    """What a stored memory is beside its text: what decides whether it may be retired, and what undo brings back.

    It has held since `since`, was said for the last time at `last`, and is a person's own when it is pinned or has the
    words that somebody gave it.
    """

    since: datetime
    last: datetime
    is_own: bool = False
    importance: float = 0.0
    version: int = 1
    valid_to: datetime | None = None
    replaced_by: UUID | None = None

    def side(self) -> dict[str, Any]:
        """The active memory as an effect tells it: what undo brings back, without any text."""
        return {
            "state": str(State.ACTIVE),
            "replaced_by": str(self.replaced_by) if self.replaced_by else None,
            "valid_to": self.valid_to.isoformat() if self.valid_to else None,
            "version": self.version,
        }

    def took_over(self, at: datetime) -> datetime:
        """When it took the place of what was said at `at`: as it began, or, where it is older, as it was said again."""
        return self.since if self.since > at else self.last


@dataclass(frozen=True, slots=True)
class Weighed:
    """What was found about one candidate: how the new fact relates to it, and what came of that.

    `kept_apart` is what was near and stays beside the fact, `added` what is too far away to matter.
    """

    id: UUID
    similarity: float
    relation: Relation
    score: float
    guards: tuple[Evidence, ...]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the fact.

    `of` is the stored memory that a duplicate repeats, `other` the one that is retired or in question. `merged` and
    `superseded` give way to the fact. Where it was said before what is stored, `by` replaces it, from `until` on.
    """

    outcome: Outcome
    trace: tuple[Weighed, ...] = ()
    of: UUID | None = None
    other: UUID | None = None
    merged: tuple[UUID, ...] = ()
    superseded: tuple[UUID, ...] = ()
    by: UUID | None = None
    until: datetime | None = None


def weigh(text: str, text_hash: str, candidates: Sequence[Candidate], *, terms: Dedupe) -> list[Weighed]:
    """Compare a fact with each candidate, in the order of `nearness`."""
    return sorted((_weigh(text, text_hash, known, terms) for known in candidates), key=nearness)


def decide(
    weighed: Sequence[Weighed],
    *,
    said_at: datetime,
    standing: Mapping[UUID, Standing],
    apart: Collection[Pair] = frozenset(),
) -> Verdict:
    """What becomes of a fact that was said at `said_at`, by how it relates to what is stored.

    What says the same or more makes it a duplicate. What says less is merged into it, what can't hold beside it is
    superseded, or supersedes it where that was said later. What is a person's own is never retired: then the fact is
    added and waits for review, as it does when nobody can say what it is.

    `standing` has the candidates that RETIRES; two that are `apart` are never merged into one fact.
    """
    known = next((one for one in weighed if one.relation in KNOWN), None)
    if known is not None:
        return _verdict(Outcome.DUPLICATE, weighed, {known.id: Outcome.DUPLICATE}, of=known.id)
    clashing = [one for one in weighed if one.relation is Relation.CONFLICT]
    later = [one for one in clashing if standing[one.id].last > said_at]
    retired = [one for one in weighed if one.relation in RETIRES and one not in later]
    own = next((one for one in retired if standing[one.id].is_own), None)
    if own is not None and not later:
        return _verdict(Outcome.REVIEW, weighed, {own.id: Outcome.REVIEW}, other=own.id)
    retired = _mergeable([one for one in retired if not standing[one.id].is_own], apart)
    if later or retired:
        return _replacing(weighed, retired, later, said_at, standing)
    unsure = next((one for one in weighed if one.relation is Relation.UNSURE), None)
    if unsure is not None:
        return _verdict(Outcome.REVIEW, weighed, {unsure.id: Outcome.REVIEW}, other=unsure.id)
    return Verdict(Outcome.ADDED, tuple(weighed))


def nearness(one: Weighed) -> tuple[float, float, UUID]:
    """What was weighed goes by score, then by similarity, then by id, whatever the order in which it was found."""
    return (-one.score, -one.similarity, one.id)


def _weigh(text: str, text_hash: str, known: Candidate, terms: Dedupe) -> Weighed:
    if known.text_hash == text_hash:
        return Weighed(known.id, 1.0, Relation.SAME, 1.0, (), Outcome.KEPT_APART)
    found = relate(text, known.text, similarity=known.similarity, terms=terms)
    near = found.relation is not Relation.APART or found.guards or found.score >= terms.unsure
    outcome = Outcome.KEPT_APART if near else Outcome.ADDED
    return Weighed(known.id, known.similarity, found.relation, found.score, found.guards, outcome)


def _mergeable(retired: Sequence[Weighed], apart: Collection[Pair]) -> list[Weighed]:
    """Without those that would become one fact with a nearer one from which they were kept apart."""
    kept: list[Weighed] = []
    for one in retired:
        merged = [other.id for other in kept if other.relation is one.relation is Relation.RICHER]
        if not any(frozenset((one.id, other)) in apart for other in merged):
            kept.append(one)
    return kept


def _replacing(
    weighed: Sequence[Weighed],
    retired: Sequence[Weighed],
    later: Sequence[Weighed],
    said_at: datetime,
    standing: Mapping[UUID, Standing],
) -> Verdict:
    """The fact takes the place of the retired ones, and is itself replaced by the first that was said later."""
    merged = [one.id for one in retired if one.relation is Relation.RICHER]
    superseded = [one.id for one in retired if one.relation is Relation.CONFLICT]
    acted = dict.fromkeys(merged, Outcome.MERGED) | dict.fromkeys(superseded, Outcome.SUPERSEDED)
    outcome = Outcome.SUPERSEDED if superseded or later else Outcome.MERGED
    changes: dict[str, Any] = {"merged": tuple(merged), "superseded": tuple(superseded)}
    if later:
        until, by = min((standing[one.id].took_over(said_at), one.id) for one in later)
        acted[by] = Outcome.SUPERSEDED
        return _verdict(outcome, weighed, acted, **changes, by=by, until=until)
    return _verdict(outcome, weighed, acted, **changes, other=(superseded or merged)[0])


def _verdict(outcome: Outcome, weighed: Sequence[Weighed], acted: Mapping[UUID, Outcome], **more: Any) -> Verdict:
    trace = tuple(replace(one, outcome=acted[one.id]) if one.id in acted else one for one in weighed)
    return Verdict(outcome, trace, **more)
