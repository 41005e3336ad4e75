"""What two facts are to each other, and the pair of statements that it is worked out from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from memory.dedupe.comparing.align import Alignment
from memory.dedupe.guards import Evidence
from memory.dedupe.reading.read import Claim
from memory.dedupe.reading.terms import Term
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


@dataclass(frozen=True)
class Pair:
    """Two statements laid side by side; `similarity` is the cosine of the facts' embeddings."""

    a: Claim
    b: Claim
    found: Alignment
    similarity: float
    terms: Dedupe

    @cached_property
    def score(self) -> float:
        """How much of both sides is common."""
        if not self.found.shared and self.a.verb != self.b.verb:
            return 0.0
        return round(min(self.found.cover(0), self.found.cover(1)), 4)

    @cached_property
    def about(self) -> float:
        """How much the statements speak of one thing, whatever they say of it."""
        return round(max(self.found.cover_but_clashes(0), self.found.cover_but_clashes(1)), 4)

    @property
    def rest(self) -> tuple[Term, ...]:
        return (*self.found.rest_a, *self.found.rest_b)

    def is_(self, relation: Relation, *guards: Evidence, score: float | None = None) -> Comparison:
        """Answer; the score is how much is common where none is given."""
        return Comparison(relation, self.score if score is None else score, guards)


def is_verb(term: Term) -> bool:
    """Say whether a term is its statement's verb."""
    return term.part == "verb"


def shown(terms: tuple[Term, ...]) -> tuple[str, ...]:
    """Return terms as people read them."""
    return tuple(term.word for term in terms)


def role(term: Term) -> str:
    """Return a term with the part it plays, as people read it: "from Oslo"."""
    return {"subj": f"by {term.word}", "obj": f"to {term.word}"}.get(term.part, f"{term.part} {term.word}")
