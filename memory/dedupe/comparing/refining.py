"""Statements without a contradiction: the same, or one that says all of the other and more."""

from __future__ import annotations

from typing import Final

from memory.dedupe.comparing.align import LIGHT
from memory.dedupe.comparing.answer import Comparison, Pair, Relation, is_verb, shown
from memory.dedupe.comparing.slots import is_over
from memory.dedupe.guards import Evidence
from memory.dedupe.reading.read import Claim
from memory.dedupe.reading.senses import meaning, meanings
from memory.dedupe.reading.terms import Sort, Term
from memory.providers.local.statements.verbs import words_of

# A word that two sides share only by its meaning may be this much farther away than the facts as wholes.
_SLACK: Final = 0.2
_ENDING: Final = frozenset(
    words_of("gone away over former ended leaving lost ex late expired broken quit refused stolen sold dead")
)
_CORE: Final = frozenset(words_of("subj verb obj kind as"))
_ANOTHER: Final = meanings("other another second third")
_EQUAL_VERBS: Final = tuple(
    meanings(group) for group in ("be work", "have eat drink use take own", "be name", "be cost", "be marry")
)


def agreeing(pair: Pair) -> Comparison:
    """Answer for two statements of which neither contradicts the other."""
    rest_a, rest_b = pair.found.rest_a, pair.found.rest_b
    if not pair.found.shared and (pair.a.verb != pair.b.verb or pair.a.subject != pair.b.subject):
        return pair.is_(Relation.APART, score=0.0)
    if not pair.rest:
        return _of_same_words(pair)
    evidence = Evidence("words" if rest_a and rest_b else "detail", shown(rest_a), shown(rest_b))
    if rest_a and rest_b:
        mean = round((pair.score + pair.similarity) / 2, 4)
        plain = all(term.sort is Sort.WORD for term in pair.rest)
        same = mean >= pair.terms.same and plain
        return pair.is_(Relation.SAME, score=mean) if same else pair.is_(Relation.APART, evidence, score=mean)
    return _one_richer(pair, evidence)


def _of_same_words(pair: Pair) -> Comparison:
    near = [both for both in pair.found.shared if both.near < 1]
    weakest = min((nearness for *_, nearness in near), default=1.0)
    if min(pair.score, weakest + _SLACK) >= pair.terms.same:
        return pair.is_(Relation.SAME)
    evidence = Evidence("words", shown(tuple(a for a, *_ in near)), shown(tuple(b for _, b, _ in near)))
    return pair.is_(Relation.UNSURE if pair.score >= pair.terms.unsure else Relation.APART, evidence)


def _one_richer(pair: Pair, evidence: Evidence) -> Comparison:
    side = 0 if pair.found.rest_a else 1  # of the richer
    fuller, poorer = (pair.b, pair.a) if side else (pair.a, pair.b)
    covered = round(pair.found.cover(1 - side), 4)
    if counted := _counted(pair, poorer, side):
        number = Evidence("number", ("1",), counted) if side else Evidence("number", counted, ("1",))
        return pair.is_(Relation.CONFLICT, number, score=covered)
    if any(term.word in _ENDING for term in pair.rest):
        return pair.is_(Relation.UNSURE, evidence, score=covered)
    adds = _adds_to_it(pair, fuller, poorer, side) and not _is_of_another_thing(pair, fuller, side)
    if not adds or covered < pair.terms.same:
        return pair.is_(Relation.APART, evidence, score=covered)
    return pair.is_(Relation.POORER if side else Relation.RICHER, evidence, score=covered)


def _counted(pair: Pair, poorer: Claim, side: int) -> tuple[str, ...]:
    """Return the number of what the poorer side has one of ("three dogs" beside "a dog")."""
    singles = {both.of(1 - side).word for both in pair.found.shared}
    single = any(f" {article} {word} " in f" {poorer.plain} " for word in singles for article in ("a", "an", "1"))
    if not single:
        return ()
    return tuple(
        term.word
        for term in pair.rest
        if term.sort is Sort.NUMBER
        and term.key.isdigit()
        and term.key != "1"
        and any(both.of(side).follows == term.key for both in pair.found.shared)
    )


def _adds_to_it(pair: Pair, fuller: Claim, poorer: Claim, side: int) -> bool:
    """Say whether what the richer side adds is said of the same thing: not of the garden in which the cat sits."""
    if any(term.key in _ANOTHER and (term.part == "subj" or term.key.endswith("other")) for term in pair.rest):
        return False
    # who drinks nothing says more than who drinks no tea
    if is_over(pair.a) and any(term.sort not in LIGHT and not is_verb(term) for term in pair.rest):
        return False
    if any(_is_moved(both.of(1 - side), both.of(side)) for both in pair.found.shared):
        return False
    if set(poorer.subject) <= set(fuller.subject) and (_is_one_doing(pair) or poorer.verb == meaning("name")):
        return True
    return _is_had(pair, fuller, poorer, side)


def _is_had(pair: Pair, fuller: Claim, poorer: Claim, side: int) -> bool:
    """Say whether the poorer side says only that somebody has what the richer one tells about."""
    if poorer.verb != meaning("have") or poorer.subject != ("self",):
        return False
    parts = {both.of(side).part for both in pair.found.shared if not is_verb(both.of(side))}
    return fuller.verb == meaning("name") or (fuller.verb == "be" and parts <= {"obj", "kind"})


def _is_moved(poorer: Term, fuller: Term) -> bool:
    """Say whether a word stands in the sentence itself on one side and in a phrase with a preposition on the other."""
    if poorer.sort not in {Sort.WORD, Sort.NAME} or poorer.part == fuller.part:
        return False
    return (poorer.part in _CORE) != (fuller.part in _CORE)


def _is_one_doing(pair: Pair) -> bool:
    """Say whether two statements have one verb; "is married" has the verb of "married" in its object."""
    verbs = {pair.a.verb, pair.b.verb}
    if len(verbs) == 1 or verbs & {"", "any"} or any(verbs <= group for group in _EQUAL_VERBS):
        return True
    return any((is_verb(a) or is_verb(b)) and "kind" not in {a.part, b.part} for a, b, _ in pair.found.shared)


def _is_of_another_thing(pair: Pair, fuller: Claim, side: int) -> bool:
    """Say whether the rest has a doing of its own, or makes another thing of a shared word: "chocolate cake"."""
    doings = [is_verb(term) for term in pair.rest]
    if any(doings) and not all(doings):
        return True
    heads = {(both.of(side).key, both.of(side).part) for both in pair.found.shared}
    return any(
        term.sort is Sort.WORD
        and term.part not in {"verb", "subj"}
        and (term.follows, term.part) in heads
        and not any(after.follows == term.key and after.part == term.part for after in fuller.terms)
        for term in pair.rest
    )
