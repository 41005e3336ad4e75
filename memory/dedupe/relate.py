"""How two facts relate: the same, one richer, in conflict, in doubt, or apart. Symmetric, and without any store."""

from __future__ import annotations

from typing import Final

from memory.dedupe.comparing.answer import Comparison, Relation
from memory.dedupe.comparing.verdict import compare
from memory.dedupe.guards import Evidence
from memory.dedupe.normalise import normalise
from memory.dedupe.reading.read import read
from memory.tuning.terms import Dedupe

__all__ = ["Comparison", "Relation", "relate"]

# A statement is a sentence or two; what is longer is the same only where it is equal, and no text keeps patterns busy.
MOST_CHARACTERS: Final = 600
_MIRRORED: Final = {Relation.RICHER: Relation.POORER, Relation.POORER: Relation.RICHER}


def relate(a: str, b: str, *, similarity: float, terms: Dedupe) -> Comparison:
    """Compare two facts; `similarity` is the cosine of their embeddings.

    `relate(b, a)` is the mirror image: RICHER for POORER, the sides of the evidence swapped, all else the same.
    """
    left, right = normalise(a), normalise(b)
    if left == right:
        return Comparison(Relation.SAME, 1.0)
    if max(len(a), len(b)) > MOST_CHARACTERS:
        return Comparison(Relation.APART, round(max(0.0, similarity), 4))
    if (left, a) > (right, b):
        return mirrored(_related(b, a, similarity, terms))
    return _related(a, b, similarity, terms)


def mirrored(found: Comparison) -> Comparison:
    """Return what the second fact is to the first."""
    return Comparison(
        _MIRRORED.get(found.relation, found.relation),
        found.score,
        tuple(Evidence(fired.guard, fired.b, fired.a) for fired in found.guards),
    )


def _related(a: str, b: str, similarity: float, terms: Dedupe) -> Comparison:
    """Compare every statement of one fact with every one of the other: a single conflict decides."""
    ones, others = read(a).claims, read(b).claims
    if len(ones) == len(others) == 1:
        return compare(ones[0], others[0], similarity=similarity, terms=terms)
    grid = [[compare(one, other, similarity=similarity, terms=terms) for other in others] for one in ones]
    every = [cell for row in grid for cell in row]
    for relation in (Relation.CONFLICT, Relation.UNSURE):
        if found := [cell for cell in every if cell.relation is relation]:
            return max(found, key=lambda cell: cell.score)
    return _of_several(grid, len(ones), len(others))


def _of_several(grid: list[list[Comparison]], ones: int, others: int) -> Comparison:
    """Of facts with more than one statement, the one that says all of the other is the richer."""
    says_all_of_b = all(any(_says(row[j], Relation.RICHER) for row in grid) for j in range(others))
    says_all_of_a = all(any(_says(cell, Relation.POORER) for cell in row) for row in grid)
    best = max((cell for row in grid for cell in row), key=lambda cell: cell.score)
    if says_all_of_a and says_all_of_b:
        return Comparison(Relation.SAME, best.score)
    if says_all_of_a or says_all_of_b:
        return Comparison(Relation.RICHER if says_all_of_b else Relation.POORER, best.score, best.guards)
    return Comparison(Relation.APART, best.score, best.guards)


def _says(cell: Comparison, relation: Relation) -> bool:
    return cell.relation in {Relation.SAME, relation}
