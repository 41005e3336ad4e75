"""One statement says that something is so, the other that it isn't, never was, or has ended."""

from __future__ import annotations

from typing import Final

from memory.dedupe.comparing.align import LIGHT
from memory.dedupe.comparing.answer import Comparison, Pair, Relation, is_verb
from memory.dedupe.comparing.slots import is_over
from memory.dedupe.guards import Evidence
from memory.dedupe.reading.read import Claim
from memory.dedupe.reading.senses import meaning, meanings
from memory.dedupe.reading.stance import Stance
from memory.dedupe.reading.terms import Sort, Term

_ANY: Final = "any"  # the verb of what was sold, cancelled, given up
_PLAIN: Final = meanings("any have be do use run take make get need")
# What was done once is no state that could end.
_ONCE: Final = meanings("buy sell see meet find lose order hear return repair visit read watch")
_SAID: Final = {
    Stance.HOLDS: (),
    Stance.DENIED: ("not",),
    Stance.NEVER: ("never",),
    Stance.ENDED: ("no longer",),
}


def negation(a: Claim, b: Claim) -> Evidence:
    """Name what each side says of whether it holds."""
    return Evidence("negation", _SAID[a.stance], _SAID[b.stance])


def denied(pair: Pair) -> Comparison:
    """Answer for a statement that holds and one that doesn't: do they speak of the same thing?"""
    side = 0 if is_over(pair.a) else 1
    gone, kept = (pair.a, pair.b) if side == 0 else (pair.b, pair.a)
    whole = round(pair.found.cover_but_clashes(side), 4)
    evidence = negation(pair.a, pair.b)
    if not _meets(pair, gone, kept, side):
        return pair.is_(Relation.APART, evidence, score=whole)
    rest = (pair.found.rest_a, pair.found.rest_b)[side]
    if all(term.sort in LIGHT or is_verb(term) for term in rest):
        return pair.is_(Relation.CONFLICT, evidence, score=whole)
    return pair.is_(Relation.UNSURE if whole >= pair.terms.conflict else Relation.APART, evidence, score=whole)


def _meets(pair: Pair, gone: Claim, kept: Claim, side: int) -> bool:
    """Say whether what is denied has to do with what is said."""
    shared = [both for both in pair.found.shared if not is_verb(both.of(side))]
    bare = sum(term.sort not in LIGHT for term in gone.terms) == 1
    if pair.found.clashes or not pair.found.shared or not (shared or bare):
        return False
    if kept.mood is not gone.mood and gone.stance is not Stance.ENDED:
        return False
    if gone.verb == _ANY:
        once = kept.verb in _ONCE and kept.past is not False
        return not once and not any(_leads(both.of(1 - side), kept, pair) for both in shared)
    favored = gone.verb == meaning("like") and meaning("favorite") in kept.subject
    same = gone.verb == kept.verb or gone.verb in _PLAIN
    return favored or same or any(is_verb(both.of(side)) for both in pair.found.shared)


def _leads(term: Term, claim: Claim, pair: Pair) -> bool:
    """Say whether a term only says of what kind the next one is: "Siemens" in "a Siemens dishwasher"."""
    common = {term for one, other, _ in pair.found.shared for term in (one, other)}
    return any(
        after not in common and after.follows == term.key and after.part == term.part and after.sort is Sort.WORD
        for after in claim.terms
    )
