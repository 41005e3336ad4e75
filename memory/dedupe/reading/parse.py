"""Takes a plain sentence apart: subject, verb, and the terms with the parts they play."""

from __future__ import annotations

import re
from typing import Final

from memory.dedupe.reading import terms as words
from memory.dedupe.reading.senses import meaning
from memory.dedupe.reading.stems import is_form_of_verb
from memory.dedupe.reading.terms import Sort, Term
from memory.providers.local.statements.verbs import FORMS, words_of

_VERBS: Final = frozenset(words_of("be cost name port marry live prefer any change play visit born fear"))
_DETERMINERS: Final = frozenset(words_of("the a an my this that"))
_JOINTS: Final = frozenset({",", "and", "or"})


def subject_of(found: list[str], names: frozenset[str]) -> tuple[tuple[str, ...], str, int]:
    """Return the subject's meanings, the verb's, and the verb's place; no verb known: no subject."""
    place = _verb(found, names)
    if place < 0:
        return (), "", -1
    own = tuple(meaning(w) for w in found[:place] if not words.is_stopped(w) or w == "self")
    return own or ("self",), meaning(found[place]), place


def _verb(found: list[str], names: frozenset[str]) -> int:
    """Return the place of the first verb, -1 without one."""
    if found[:1] == ["self"]:
        return next((at for at, word in enumerate(found) if at and not _is_aside(word, found[at + 1 : at + 2])), -1)
    for place, word in enumerate(found[:8]):
        if word in _VERBS:
            return place
        if place == 0 or found[place - 1] in _DETERMINERS or word in words.PREPOSITIONS:
            continue
        named = place == 1 and found[0] in names and word.endswith(("s", "ed"))
        if is_form_of_verb(word) or named:
            return place
    return -1


def _is_aside(word: str, following: list[str]) -> bool:
    if word == "have":
        return bool(following) and FORMS.get(following[0], ("", ""))[1] in {"past", "participle"}
    return (
        word in _ASIDES
        or word in words.CHANGED
        or (word.endswith("ly") and len(word) > 4 and not is_form_of_verb(word))
    )


_ASIDES: Final = frozenset(
    words_of(
        """
    also still always often usually sometimes then only just never
    """
    )
)


def terms_of(found: list[str], verb: int, names: frozenset[str]) -> tuple[Term, ...]:
    """Return the words that count, each with the preposition in front of it, or as subject, verb or object."""
    made: list[Term] = []
    part, follows, skip = "subj" if verb > 0 else "obj", "", False
    for place, word in enumerate(found):
        if skip:
            skip, follows = False, ""
            continue
        if place == verb:
            part = "verb"
        elif _is_preposition(found, place, names):
            part, follows = (word if place > verb else part), ""
            continue
        follows = "" if word in _JOINTS else follows
        if part == "obj" and word in {"a", "an"} and found[verb : verb + 1] == ["be"]:
            part = "kind"
        if not _counts(word, names):
            part = "obj" if place == verb else part
            continue
        term, skip = _term(found, place, part, follows, names, made)
        made.append(term)
        part, follows = ("obj", "") if place == verb else (part, term.key)
    return tuple(made)


def _is_preposition(found: list[str], place: int, names: frozenset[str]) -> bool:
    """Say whether a word leads a phrase; "to" in front of a verb doesn't, nor what ends the sentence."""
    if found[place] not in words.PREPOSITIONS or place + 1 == len(found):
        return False
    after = found[place + 1]
    return found[place] != "to" or after in names or not _is_base(after)


def _is_base(word: str) -> bool:
    return FORMS.get(word, ("", ""))[1] == "base"


def _counts(word: str, names: frozenset[str]) -> bool:
    return _is_number(word) or word in names or not (words.is_stopped(word) or word == "to")


def _is_number(word: str) -> bool:
    return word[:1].isdigit() or (word[:1] == "-" and word[1:2].isdigit())


def _term(
    found: list[str], place: int, part: str, follows: str, names: frozenset[str], made: list[Term]
) -> tuple[Term, bool]:
    """Return the term at a place, and whether the word behind it is its unit."""
    word, unit = found[place], found[place + 1] if place + 1 < len(found) else ""
    sort, key = words.sort_of(word, part if part != "verb" else "obj", unit, names)
    if made and made[-1].sort is Sort.MONTH and sort in {Sort.NUMBER, Sort.CLOCK}:
        sort, key = Sort.DAY, re.sub(r"\D.*", "", word)
    measured = sort is Sort.NUMBER and _is_number(word) and words.is_unit(unit)
    shown = f"{word} {unit}" if measured else word
    return words.term(key, sort, part, shown, follows), measured
