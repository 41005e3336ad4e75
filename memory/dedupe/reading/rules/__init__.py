"""Rules in text files, since they are many and their lines are long: what is found in a fact => what it becomes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from memory.providers.local.statements.verbs import FORMS

_FOLDER: Final = Path(__file__).parent
_ARROW: Final = "  =>"
_ALWAYS: Final = "*"
_DIGIT: Final = "#"  # as a word that must be there: a number
_BASES: Final = "|".join(sorted(word for word, (_, form) in FORMS.items() if form == "base" and word != "be"))
_PARTS: Final = {
    "HAVE": r"(?:have |has |had |just |recently |finally |already |be |get |got )*",
    "BASES": _BASES,
    "MY": r"(?:my |the |an? )?",
    "X": r"(?P<x>[^ ].*?)",
    "N": r"(?P<n>(?:my )?\w[\w'-]*(?: (?!be\b|name\b|call\b|called\b|named\b|s\b)\w[\w'-]*){0,3}?)",
    "CALLED": (
        r"(?:be )?(?:called|named|nicknamed|go(?:es)? by(?: the name(?: of)?)?|answers? to(?: the name(?: of)?)?)"
    ),
    "BEST": (
        r"(?:(?:the )?(?:most|best)(?: of all)?|more than any other(?: \w+)?|above all(?: others?| else)?|"
        r"better than any other(?: \w+)?)"
    ),
    "LIKE": r"(?:like|likes|love|loves|enjoy|enjoys|prefer|prefers|liked|loved|rate|rates|admire|admires)",
    "Q": r"(?P<q>(?:(?:about|around|roughly|exactly|only) )?-?\d[\d.,]*.*)",
    "DAY": (
        r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|weekends?|weekdays?|mornings?|evenings?|nights?|afternoons?|"
        r"months?|years?|weeks?|summers?|winters?|springs?|autumns?)"
    ),
    "EITHER": (
        r"(?:,? ?self (?:would )?(?:always |usually )?"
        r"(?:use|take|pick|choose|go for|go with|prefer|want|have|drink|eat|opt for)s?(?: the)?)"
    ),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What is found => what it becomes; `finds` says whether it is there."""

    finds: Callable[[str], re.Match[str] | None]
    pattern: re.Pattern[str]
    instead: str


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are tried only where one of the words is there; no words: always."""

    words: frozenset[str]
    rules: tuple[Rule, ...]


def applied(groups: tuple[Group, ...], words: str) -> str:
    """Return what the rules make of a folded fact, each rule used at most once, from the top."""
    found = _found(words)
    for group in groups:
        if group.words and group.words.isdisjoint(found):
            continue
        before = words
        for rule in group.rules:
            if rule.finds(words):
                words = " ".join(rule.pattern.sub(rule.instead, words).split())
        if words is not before:
            found = _found(words)
    return words


def _found(words: str) -> frozenset[str]:
    spoken = frozenset(words.split())
    return spoken | {_DIGIT} if any(word[0].isdigit() or word[0] == "-" for word in spoken) else spoken


def first_applied(groups: tuple[Group, ...], words: str) -> str | None:
    """Return what the first rule that fits makes of a folded fact where it fits first; None where none does."""
    for group in groups:
        for rule in group.rules:
            if rule.finds(words):
                return " ".join(rule.pattern.sub(rule.instead, words, count=1).split())
    return None


def loaded(name: str) -> tuple[Group, ...]:
    """Read the groups of a file."""
    groups: list[Group] = []
    words: frozenset[str] = frozenset()
    rules: list[Rule] = []
    for line in (_FOLDER / f"{name}.rules").read_text().splitlines():
        if line.startswith("?"):
            groups.append(Group(words, tuple(rules)))
            words, rules = frozenset(line[1:].split()) - {_ALWAYS}, []
        elif _ARROW in line and not line.startswith("#"):
            rules.append(_rule(line))
    groups.append(Group(words, tuple(rules)))
    return tuple(group for group in groups if group.rules)


def lines(name: str) -> list[str]:
    """Read the lines of a list of words, without its comments."""
    text = (_FOLDER / f"{name}.words").read_text()
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _rule(line: str) -> Rule:
    pattern, _, instead = line.partition(_ARROW)
    for name, part in _PARTS.items():
        pattern = pattern.replace(f"{{{name}}}", part)
    compiled = re.compile(pattern)
    # a search looks for the beginning of a text at each of its places
    finds = compiled.match if _is_anchored(pattern) else compiled.search
    return Rule(finds, compiled, f" {instead.strip()} ")


def _is_anchored(pattern: str) -> bool:
    """Say whether a pattern fits at the beginning only: none of its parts outside of brackets is an alternative."""
    depth = 0
    for sign in re.sub(r"\\.|\[[^]]*\]", "", pattern):
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and depth == 0:
            return False
    return pattern.startswith("^")
