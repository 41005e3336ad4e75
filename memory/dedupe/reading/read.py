"""Reads one fact into what can be compared: subject, verb, terms, whether it holds, and what it says has ended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Final

from memory.dedupe.normalise import normalise
from memory.dedupe.reading import terms as words
from memory.dedupe.reading.fold import folded
from memory.dedupe.reading.parse import subject_of, terms_of
from memory.dedupe.reading.phrases import settled, slotted, worded
from memory.dedupe.reading.senses import KIN, is_listed, is_state, meaning
from memory.dedupe.reading.stance import Mood, Stance, mood_of, stance_of
from memory.dedupe.reading.stems import is_form_of_verb, stem
from memory.dedupe.reading.terms import Sort, Term, bare
from memory.providers.local.statements.verbs import FORMS, words_of

MOST_CHARACTERS: Final = 400  # longer facts are compared by their words alone, so that no text can keep patterns busy
_CAPITAL = re.compile(r"(?<![.!?] )(?<!^)(?<!^[\"'(])\b([a-z]?[A-Z][\w'-]*[a-z0-9]|[A-Z]{2,})")
_ONE_THAT_ENDS_IN_S = re.compile(r"^[A-Z][a-z]+(?:us|es|is|as|ss|os|ns|ls) (?:is|was|has|and I)\b")
_FIRST = re.compile(r"^\W*([A-Z][a-z]+)\b")
_PARTED = re.compile(
    r"\b(?:but|and) (?=(?:now|these days|nowadays|since then)\b)|\bbut\b|"
    r"\band (?=(?:bought|got|started|became|moved|switched|took)\b)"
)

_HAVE = r"(?:have |just |recently |finally )*"
_OLD = r"(?P<old>(?:(?!to\b)\S+ ){1,4}?)"
_EXCHANGED = re.compile(
    rf"\bself {_HAVE}(?:switch|switched|migrate[ds]?|change[ds]?|go|went|converted|upgraded|swapped|traded)(?: over)?"
    rf" (?:from )?(?:my )?{_OLD}(?:to|for) (?P<new>.+)$"
)
_BACK = re.compile(
    rf"\bself {_HAVE}(?:switch|switched|migrated|changed|went|converted|upgraded) (?:over )?"
    r"to (?P<new>(?:\S+ ){1,4}?)from (?:my )?(?P<old>.+)$"
)
_MOVED = re.compile(
    rf"\bself {_HAVE}(?:(?:move[ds]?|relocate[ds]?|moving|relocating)(?: away)? from {_OLD}to|"
    r"(?:left|leave) (?P<left>(?:(?!for\b)\S+ ){1,3}?)for) (?P<new>.+)$"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement: who it is about, its verb, and its terms."""

    subject: tuple[str, ...]
    verb: str
    terms: tuple[Term, ...]
    stance: Stance
    mood: Mood
    changed: bool
    past: bool | None
    plain: str
    state: Term | None  # married or not: where the statement says which
    persons: frozenset[str]  # and animals, other than the user, whom it is about
    keys: frozenset[str]  # what a term of another statement must have one of to be equal to one of these


@dataclass(frozen=True, slots=True)
class Reading:
    """A fact: its main statement, and what else it says (of another time)."""

    claims: tuple[Claim, ...]


@lru_cache(maxsize=32768)
def read(text: str) -> Reading:
    """Return what a text says."""
    names = names_in(text)
    whole = worded(folded(text))
    if len(whole) > MOST_CHARACTERS:
        return Reading((_claim(whole, names),))
    whole = _EXCHANGED.sub(r"self no longer any \g<old> but CHANGE self any \g<new>", whole)
    whole = _BACK.sub(r"self no longer any \g<old> but CHANGE self any \g<new>", whole)
    whole = _MOVED.sub(_moved, whole)
    parts = [part.strip() for part in _PARTED.split(whole) if len(part.split()) > 1] or [whole]
    return Reading(tuple(_claim(part, names) for part in parts[:4]))


def _moved(found: re.Match[str]) -> str:
    return f"self no longer live in {found['old'] or found['left']} but CHANGE self live in {found['new']}"


def names_in(text: str) -> frozenset[str]:
    """Return the words written with a capital, in normalised form; the first word where it can't be another."""
    found = {name for match in _CAPITAL.finditer(text) for name in normalise(match[1]).split()}
    first = _FIRST.match(text)
    if first and (_is_name(first[1].casefold()) or _ONE_THAT_ENDS_IN_S.match(text)):
        found.add(first[1].casefold())
    return frozenset(found - _NEVER_NAMES)


_NEVER_NAMES: Final = frozenset(["i", "i'm", "user", "the", "am", "pm", *words.MONTHS, *words.WEEKDAYS])


def _is_name(word: str) -> bool:
    return not (
        is_form_of_verb(word)
        or words.is_stopped(word)
        or word in words.PREPOSITIONS
        or meaning(word) in KIN
        or meaning(word) != word.removesuffix("e")
        or word.endswith(("ing", "s", "ly"))
        or word in _COMMON
    )


_COMMON: Final = frozenset(
    words_of(
        """
    we our no not never i'm i've favorite favourite rent home job name birthday car time flight wedding exam
    employer phone mother black white red blue green big small old new other main default daily monthly
    weekly every each cannot staging port night day week month year summer winter spring autumn budget
    salary shift commute height weight age address back production database server main request build backup
    cache upload black tea coffee water two three four five six seven
    """
    )
)


def _claim(spoken: str, names: frozenset[str]) -> Claim:
    stance, plain = stance_of(spoken)
    mood, plain = mood_of(plain)
    plain = settled(plain)
    if len(plain) <= MOST_CHARACTERS:
        plain = slotted(plain)
    if "DENY" in plain:
        stance = Stance.DENIED if stance is Stance.HOLDS else stance
        plain = " ".join(plain.replace("DENY", " ").split())
    found = plain.split()
    subject, verb, place = subject_of(found, names)
    if verb == _NAME:
        names |= {word for word in found[place + 1 : place + 2] if not is_listed(stem(word))}
    past = _is_past(spoken)
    terms = terms_of(found, place, names)
    return Claim(
        subject,
        verb,
        terms,
        stance,
        mood,
        any(word in words.CHANGED for word in spoken.split()),
        past,
        plain,
        _state(verb, terms),
        frozenset(t.key for t in terms if t.part == "subj" and (t.sort is Sort.NAME or t.key in KIN)),
        frozenset(key for term in terms for key in _keys(term)),
    )


def _keys(term: Term) -> tuple[str, ...]:
    if term.sort is Sort.CLOCK:
        return (bare(term.key), _CLOCK)
    return (bare(term.key), term.word)


def _state(verb: str, terms: tuple[Term, ...]) -> Term | None:
    """Return the term that says whether somebody is married: "be divorced", not "be a single mother"."""
    said = {"verb"} if is_state(verb) else {"obj", "kind"} if verb == "be" else ()
    return next(
        (
            term
            for term, after in zip_longest(terms, terms[1:])
            if term.part in said and is_state(term.key) and not (after and after.part == term.part)
        ),
        None,
    )


def _is_past(spoken: str) -> bool | None:
    """Say whether a fact is told in the past ("lived") or the present ("lives"); None where the verb doesn't tell."""
    if "CHANGE" in spoken:
        return None
    for word in spoken.split()[:4]:
        form = FORMS.get(word, ("", ""))[1]
        if word in {"have", "has", "be"} or word in _TIMELESS:
            return None
        if form in {"base", "third", "ing"}:
            return False
        if form in {"past", "participle"}:
            return True
    return None


_CLOCK: Final = "o'clock"  # any two times of day may be one
_NAME: Final = meaning("name")
_TIMELESS: Final = frozenset(words_of("read cut put cost set let quit moved move relocated grew"))
