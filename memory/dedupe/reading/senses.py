"""Which words mean the same, the opposite, or one of several things that exclude each other."""

from __future__ import annotations

from itertools import combinations
from typing import Final

from memory.dedupe.reading.rules import lines
from memory.dedupe.reading.stems import VERBS, stem
from memory.providers.local.statements.verbs import FORMS, words_of

KIN: Final = frozenset(
    stem(word)
    for word in words_of(
        """
    spouse wife husband partner girlfriend boyfriend fiance fiancee sister brother sibling son daughter kid
    child children twin baby toddler mother father mum mom dad parent grandmother grandfather grandma
    grandpa grandparent granddaughter grandson grandchild aunt uncle cousin niece nephew friend boss manager
    supervisor colleague coworker neighbor landlord landlady doctor dentist therapist teacher coach trainer
    flatmate roommate housemate tutor mentor stepmother stepfather stepson stepdaughter godson goddaughter
    mother-in-law ex assistant client student intern team company family dog cat rabbit parrot hamster horse
    puppy kitten pet hen budgie tortoise turtle
    """
    )
)


def _groups() -> dict[str, str]:
    same: dict[str, str] = {}
    for line in lines("same"):
        first, *rest = line.split()
        for word in rest:
            same.setdefault(stem(word), stem(first))
    return {word: meaning for word, meaning in same.items() if word != meaning}


SAME: Final = _groups()


def meaning(word: str) -> str:
    """Return the stem that stands for all words of one meaning: "resides" → "liv"."""
    base = stem(word)
    return SAME.get(base, base)


def meanings(words: str) -> frozenset[str]:
    """Return the meanings of words written in a row."""
    return frozenset(map(meaning, words.split()))


def _opposites() -> dict[str, frozenset[str]]:
    opposite: dict[str, set[str]] = {}
    for line in lines("opposite"):
        words = [meaning(word) for word in line.split()]
        for one, other in combinations(words, 2):
            if one != other:
                opposite.setdefault(one, set()).add(other)
                opposite.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in opposite.items()}


OPPOSITE: Final = _opposites()
EXCLUSIVE: Final = {
    meaning(word): name for name, words in (line.split(":") for line in lines("exclusive")) for word in words.split()
}


_LISTED: Final = (
    frozenset(map(stem, [*FORMS, *VERBS])) | SAME.keys() | set(SAME.values()) | OPPOSITE.keys() | EXCLUSIVE.keys() | KIN
)


def is_listed(base: str) -> bool:
    """Say whether a stem is that of a word of the language, by the lists of verbs, kin, and words that go together."""
    return base in _LISTED


def is_state(base: str) -> bool:
    """Say whether a meaning is one of the states of which everybody is in one: married, divorced, widowed."""
    return EXCLUSIVE.get(base) == "state"


def are_opposite(one: str, other: str) -> bool:
    """Say whether two meanings can't hold of one thing: opposites, or words with and without "un-"."""
    return other in OPPOSITE.get(one, ()) or one == f"un{other}" or other == f"un{one}"


def exclude(one: str, other: str) -> bool:
    """Say whether two meanings belong to one set of which only one can hold, such as colours."""
    return one != other and one in EXCLUSIVE and EXCLUSIVE[one] == EXCLUSIVE.get(other)
