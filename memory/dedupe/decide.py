"""Decides whether a fact is known already, and keeps the trace of what it was weighed against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from memory.dedupe.guards import Evidence, fired
from memory.dedupe.normalise import text_hash


class Outcome(StrEnum):
    """What becomes of a fact, or what was found about one candidate."""

    ADDED = "added"
    DUPLICATE = "duplicate"
    KEPT_APART = "kept_apart"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored fact that may be the same; `similarity` is the cosine with the new one."""

    id: UUID
    text: str
    text_hash: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Weighed:
    """What was found about one candidate: `added` means too far away to matter."""

    id: UUID
    text: str
    similarity: float
    guards: tuple[Evidence, ...]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Verdict:
    """`of` is the candidate that a duplicate repeats; `trace` has all candidates, the most similar first."""

    outcome: Outcome
    of: UUID | None
    trace: tuple[Weighed, ...]


def decide(
    text: str, candidates: Sequence[Candidate], *, near_certain: float = 0.95, listed_from: float = 0.80
) -> Verdict:
    """Return `duplicate` for an equal hash or a cosine from `near_certain` on that no guard objects to, else `added`.

    Candidates from `listed_from` on that were not merged are marked `kept_apart` in the trace. The order of
    `candidates` changes nothing: equal hashes come first, then the most similar, then the smaller id.
    """
    own_hash = text_hash(text)
    ordered = sorted(candidates, key=lambda known: (known.text_hash != own_hash, -known.similarity, known.id))
    weighed = [_weigh(text, own_hash, known, near_certain, listed_from) for known in ordered]
    same = next((one for one in weighed if one.outcome is Outcome.DUPLICATE), None)
    if same is None:
        return Verdict(Outcome.ADDED, None, tuple(weighed))
    return Verdict(Outcome.DUPLICATE, same.id, tuple(weighed))


def _weigh(text: str, own_hash: str, known: Candidate, near_certain: float, listed_from: float) -> Weighed:
    if known.text_hash == own_hash:
        return Weighed(known.id, known.text, known.similarity, (), Outcome.DUPLICATE)
    if known.similarity < min(listed_from, near_certain):
        return Weighed(known.id, known.text, known.similarity, (), Outcome.ADDED)
    objections = fired(text, known.text)
    if known.similarity >= near_certain and not objections:
        return Weighed(known.id, known.text, known.similarity, (), Outcome.DUPLICATE)
    outcome = Outcome.KEPT_APART if known.similarity >= listed_from else Outcome.ADDED
    return Weighed(known.id, known.text, known.similarity, objections, outcome)
