"""Compares a slice of a user's active memories with all others of their scopes, in bounded memory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from memory.dedupe.decide import Pair, Standing, Weighed
from memory.dedupe.relate import Comparison, Relation, relate
from memory.dedupe.stored.candidates import neighbours
from memory.dedupe.stored.standing import asked, kept_apart, standing
from memory.models import Memory, Outcome
from memory.tuning.terms import Dedupe

THE_SAME: Final = (Relation.SAME, Relation.RICHER, Relation.POORER)
MIRRORED: Final = {Relation.RICHER: Relation.POORER, Relation.POORER: Relation.RICHER}


@dataclass(frozen=True, slots=True)
class Known:
    """A memory as it was when it was compared. `vector` is there for those that are near to another one."""

    id: UUID
    text: str
    text_hash: str
    model: str = ""
    vector: NDArray[np.float32] | None = None


@dataclass(slots=True)
class Look:
    """What a slice came to: `compared` has the comparisons of each pair, from its smaller id to its greater one.

    `near` are the pairs that are not APART; of the memories in those, `standing` says how they stand, `apart` which
    pairs somebody keeps apart, and `asked` which are or were in question. The next slice begins after `last`: None
    where there is none.
    """

    terms: Dedupe
    rows: int = 0
    first: UUID | None = None
    last: UUID | None = None
    known: dict[UUID, Known] = field(default_factory=dict)
    compared: dict[Pair, Comparison] = field(default_factory=dict)
    alike: dict[Pair, float] = field(default_factory=dict)  # cosines
    near: set[Pair] = field(default_factory=set)
    standing: dict[UUID, Standing] = field(default_factory=dict)
    apart: set[Pair] = field(default_factory=set)
    asked: set[Pair] = field(default_factory=set)

    def compare(self, a: UUID, b: UUID, similarity: float | None = None) -> Comparison:
        """What `a` is to `b`: each pair is compared once, whichever way round it is asked for."""
        one, other = sorted((a, b))
        pair = frozenset((a, b))
        if pair not in self.compared:
            x, y = self.known[one], self.known[other]
            self.alike[pair] = _cosine(x, y) if similarity is None else similarity
            self.compared[pair] = relate(x.text, y.text, similarity=self.alike[pair], terms=self.terms)
        found = self.compared[pair]
        return found if a == one else _mirrored(found)

    def relates(self, a: UUID, b: UUID) -> Relation:
        return self.compare(a, b).relation

    def weighed(self, a: UUID, b: UUID, outcome: Outcome) -> Weighed:
        """What `b` is to `a`, as a trace tells it."""
        found = self.compare(a, b)
        return Weighed(b, self.alike[frozenset((a, b))], found.relation, found.score, found.guards, outcome)

    def joins(self, a: UUID, b: UUID, relations: Collection[Relation]) -> float | None:
        """How alike the two are, if they relate in one of these ways and nobody keeps them apart."""
        found = self.compare(a, b)
        return found.score if found.relation in relations and frozenset((a, b)) not in self.apart else None


def look(workspace_id: UUID, user_id: str, *, terms: Dedupe, after: UUID | None, limit: int) -> Look:
    """Compare the next `limit` active memories of a user, by id, with the nearest of their scopes: six queries."""
    mine = Memory.objects.of(workspace_id, user_id).active()
    rest = mine if after is None else mine.filter(pk__gt=after)
    rows = list(rest.order_by("pk").values_list("pk", "text", "text_hash", "kind")[:limit])
    found = Look(terms, rows=len(rows))
    if not rows:
        return found
    found.first, found.last = rows[0][0], rows[-1][0] if len(rows) == limit else None
    found.known = {id: Known(id, text, digest) for id, text, digest, _ in rows}
    candidates = neighbours([(id, kind) for id, _, _, kind in rows], nearest=terms.candidates)
    for (id, *_), near in zip(rows, candidates, strict=True):
        for one in near:
            found.known.setdefault(one.id, Known(one.id, one.text, one.text_hash))
            if found.compare(id, one.id, one.similarity).relation is not Relation.APART:
                found.near.add(frozenset((id, one.id)))
    _read_more(found)
    return found


def _read_more(found: Look) -> None:
    """The vectors of the memories that are near to another one, and how they stand; without what is gone meanwhile."""
    ids = {id for pair in found.near for id in pair}
    columns = ("pk", "text", "text_hash", "embedding_model", "embedding")
    there = set()
    for id, text, digest, model, halves in Memory.objects.active().filter(pk__in=ids).values_list(*columns):
        vector = None if halves is None else np.asarray(halves, dtype=np.float32)
        found.known[id] = Known(id, text, digest, model, vector)
        there.add(id)
    found.near = {pair for pair in found.near if pair <= there}
    found.standing = standing(there)
    found.apart, found.asked = kept_apart(there), asked(there)


def _cosine(a: Known, b: Known) -> float:
    """0 where the vectors can't be compared."""
    if a.vector is None or b.vector is None or a.model != b.model:
        return 0.0
    return float(a.vector @ b.vector / (np.linalg.norm(a.vector) * np.linalg.norm(b.vector)))


def _mirrored(found: Comparison) -> Comparison:
    guards = tuple(type(one)(one.guard, one.b, one.a) for one in found.guards)
    return Comparison(MIRRORED.get(found.relation, found.relation), found.score, guards)
