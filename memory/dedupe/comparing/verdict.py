"""What follows for two statements from what they have in common and what clashes."""

from __future__ import annotations

from typing import Final

from memory.dedupe.comparing import differing
from memory.dedupe.comparing.align import align, moved
from memory.dedupe.comparing.answer import Comparison, Pair, Relation
from memory.dedupe.comparing.denial import denied, negation
from memory.dedupe.comparing.refining import agreeing
from memory.dedupe.comparing.slots import is_over
from memory.dedupe.reading.read import Claim
from memory.dedupe.reading.stance import Stance
from memory.tuning.terms import Dedupe

FAR: Final = 0.5  # below this similarity a word of one fact is hardly the other's in other words
_NOTHING: Final = Comparison(Relation.APART, 0.0)


def compare(a: Claim, b: Claim, *, similarity: float, terms: Dedupe) -> Comparison:
    """Compare two statements: whom they are about, whether they hold, who does what, what they say."""
    if similarity < FAR and a.verb != b.verb and a.keys.isdisjoint(b.keys) and not (a.state and b.state):
        return _NOTHING  # whatever is near or clashes, two doings without a common word are two facts
    pair = Pair(a, b, align(a, b), similarity, terms)
    if other := differing.strangers(pair):
        return pair.is_(Relation.APART, other)
    if states := differing.states(pair):
        return pair.is_(Relation.CONFLICT, states, score=max(pair.about, pair.terms.same))
    if is_over(a) != is_over(b):
        return denied(pair)
    if parts := moved(a, b, pair.found):
        return differing.swapped(pair, parts)
    if a.mood is not b.mood:
        return differing.of_other_mood(pair)
    if {a.stance, b.stance} == {Stance.NEVER, Stance.ENDED}:
        return pair.is_(Relation.APART, negation(a, b))
    if pair.found.clashes:
        return differing.clashing(pair)
    return differing.misplaced(pair) or differing.of_other_time(pair) or agreeing(pair)
