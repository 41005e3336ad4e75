"""How two facts relate: the same, one richer, in conflict, in doubt, or apart. Symmetric, and without any store."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from memory.dedupe.guards import Evidence, fired
from memory.dedupe.normalise import text_hash
from memory.tuning.terms import Dedupe


class Relation(StrEnum):
    """What the first fact is to the second."""

    SAME = "same"
    RICHER = "richer"  # it says all that the second says, and more
    POORER = "poorer"  # the second says all that it says, and more
    CONFLICT = "conflict"  # both can't hold at one time
    UNSURE = "unsure"  # the same or a contradiction: a question for the model or a person
    APART = "apart"  # two facts


@dataclass(frozen=True, slots=True)
class Comparison:
    """The relation, how alike the facts are (0 to 1), and the guards that fired with their evidence."""

    relation: Relation
    score: float
    guards: tuple[Evidence, ...] = ()


def relate(a: str, b: str, *, similarity: float, terms: Dedupe) -> Comparison:
    """Compare two facts; `similarity` is the cosine of their embeddings.

    `relate(b, a)` is the mirror image: RICHER for POORER, the sides of the evidence swapped, all else the same.
    """
    if text_hash(a) == text_hash(b):
        return Comparison(Relation.SAME, 1.0)
    if similarity < terms.same:
        return Comparison(Relation.APART, similarity)
    guards = fired(a, b)
    return Comparison(Relation.APART if guards else Relation.SAME, similarity, guards)
