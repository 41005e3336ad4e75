"""Statements of the same kind that say different things: in other parts, of another time, with other values."""

from __future__ import annotations

from typing import Final

from memory.dedupe.comparing.answer import Comparison, Pair, Relation, is_verb, role
from memory.dedupe.comparing.slots import SINGLE, is_over, is_single
from memory.dedupe.guards import Evidence
from memory.dedupe.reading.senses import meaning, meanings
from memory.dedupe.reading.stance import Mood
from memory.dedupe.reading.terms import Sort, Term
from memory.providers.local.statements.verbs import words_of

_OTHERS: Final = meanings("other another second third older younger elder eldest youngest oldest first")
_STATES: Final = meanings("live work be have drive use like hate study speak play smoke drink eat wear rent own")
_AWAY: Final = frozenset(
    words_of(
        """
    after before over than without instead until outside off near against behind below above under around beside from
    till except unlike
    """
    )
)
# "is Canadian" and "is from Canada"; "flies from Oslo" and "flies to Oslo" are two flights
_ALLOWED: Final = tuple(frozenset(words_of(both)) for both in ("obj from", "kind from", "from to"))
_OPPOSITE: Final = tuple(
    frozenset(words_of(both))
    for both in ("before after", "above below", "over under", "inside outside", "on off", "up down")
)


def strangers(pair: Pair) -> Evidence | None:
    """Fire when the statements are about different persons."""
    left, right = pair.a.persons, pair.b.persons
    if left == right or "any" in {pair.a.verb, pair.b.verb}:
        return None
    known_a, known_b = ({word for t in claim.terms for word in (t.key, t.word)} for claim in (pair.a, pair.b))
    if left <= known_b and right <= known_a:
        return None
    return Evidence("subject", tuple(sorted(left - right)) or ("user",), tuple(sorted(right - left)) or ("user",))


def states(pair: Pair) -> Evidence | None:
    """Fire when somebody is in another state on each side: married to whomever, and divorced."""
    one, other = pair.a.state, pair.b.state
    if one is None or other is None or one.key == other.key or pair.a.subject != pair.b.subject:
        return None
    if is_over(pair.a) or is_over(pair.b) or pair.a.mood is not pair.b.mood:
        return None
    return Evidence("value", (one.word,), (other.word,))


def swapped(pair: Pair, parts: tuple[tuple[Term, Term], ...]) -> Comparison:
    """Answer for the same words in other parts: who hired whom, from where to where."""
    conflict = pair.a.verb == pair.b.verb and pair.about >= pair.terms.conflict
    return pair.is_(Relation.CONFLICT if conflict else Relation.APART, _in_parts("role", parts))


def _in_parts(guard: str, parts: tuple[tuple[Term, Term], ...]) -> Evidence:
    return Evidence(guard, tuple(role(one) for one, _ in parts), tuple(role(other) for _, other in parts))


def of_other_mood(pair: Pair) -> Comparison:
    """Answer for a fact beside a plan or a guess."""
    evidence = Evidence("modality", (str(pair.a.mood),), (str(pair.b.mood),))
    doubtful = Mood.MAYBE in {pair.a.mood, pair.b.mood} and pair.score >= pair.terms.same
    return pair.is_(Relation.UNSURE if doubtful else Relation.APART, evidence)


def of_other_time(pair: Pair) -> Comparison | None:
    """Answer where one tells as over what the other tells as so or to come: "lived in Leeds", "lives in Leeds"."""
    a, b = pair.a, pair.b
    if {a.past, b.past} != {True, False} or is_over(a) or a.verb != b.verb:
        return None
    evidence = Evidence("tense", ("past",) if a.past else (), ("past",) if b.past else ())
    doubtful = a.verb in _STATES and not (pair.found.rest_a and pair.found.rest_b)
    return pair.is_(Relation.UNSURE if doubtful else Relation.APART, evidence)


def misplaced(pair: Pair) -> Comparison | None:
    """Answer where a word stands for the thing itself on one side only: "in Turin" and "near Turin"."""
    parts = tuple((a, b) for a, b, _ in pair.found.shared if _is_opposite(a, b) or _is_away(a, b))
    if not parts:
        return None
    evidence = _in_parts("place", parts)
    if pair.a.verb != pair.b.verb:
        return pair.is_(Relation.APART, evidence)
    certain = pair.a.verb == meaning("prefer") or any(_is_opposite(one, other) for one, other in parts)
    return pair.is_(Relation.CONFLICT if certain else Relation.UNSURE, evidence)


def _is_opposite(one: Term, other: Term) -> bool:
    return frozenset({one.part, other.part}) in _OPPOSITE


def _is_away(one: Term, other: Term) -> bool:
    if one.sort is not Sort.NAME or one.part == other.part or {one.part, other.part} in _ALLOWED:
        return False
    return (one.part in _AWAY) != (other.part in _AWAY)


def clashing(pair: Pair) -> Comparison:
    """Answer for different values in one place: does the place hold only one?"""
    evidence = tuple(Evidence(clash.kind, (clash.a.word,), (clash.b.word,)) for clash in pair.found.clashes)
    if not _is_one_place(pair):
        return pair.is_(Relation.APART, *evidence)
    whose = [term for term in pair.rest if term.part == "subj" and term.sort in {Sort.WORD, Sort.NAME}]
    if any(term.key in _OTHERS for term in whose):
        return pair.is_(Relation.APART, *evidence)
    doubtful = whose or any(term.sort is Sort.RATE for term in pair.rest)
    return pair.is_(Relation.UNSURE if doubtful else Relation.CONFLICT, *evidence, score=pair.about)


def _is_one_place(pair: Pair) -> bool:
    """Say whether the clashing values are of one thing that has only one of them."""
    a, b, found = pair.a, pair.b, pair.found
    if is_over(a) or (found.rest_a and found.rest_b and a.verb not in SINGLE):
        return False
    if not all(is_single(a, b, clash) for clash in found.clashes) or pair.about < pair.terms.conflict:
        return False
    if meaning("prefer") in {a.verb, b.verb}:
        anchored = any(not is_verb(one) for one, *_ in found.shared)
    else:
        anchored = bool(found.shared) or (a.verb == b.verb and a.subject == b.subject)
    return anchored
