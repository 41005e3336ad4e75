"""Finds facts in a user's message by grammar and word lists: no model, no network, the same answer each time."""

from __future__ import annotations

import re
from typing import Final

from memory.providers.base import Fact, Said
from memory.providers.local.statements.dates import resolved
from memory.providers.local.statements.kinds import IMPORTANCE, Kind
from memory.providers.local.statements.sentences import MASK, Piece, clauses, sentences
from memory.providers.local.statements.third_person import read, rewritten, spoken_plainly
from memory.providers.local.statements.worth import kind_of

MOST_FACTS: Final = 8
FEWEST_WORDS: Final = 3
MOST_WORDS: Final = 60
# Nobody states 60 words in more; without a bound, a hostile message could keep the patterns busy for seconds.
MOST_CHARACTERS: Final = 600

_SPEAKS_OF_SOMEBODY = re.compile(
    r"\b(?:I|I['\u2019]?m|my|we|our|us|user|[A-Z][a-z]+ \w+s|[A-Z][a-z]+ (?:has|"
    r"was|is|married|moved|introduced))\b|\b(?:i|im|ive)\b|MY|WE|OUR",
    re.I,
)
_NO_STATEMENT = re.compile(
    r"^(?:if|suppose|imagine|what if|let's|please|can|could|would|will you|should|"
    r"do|does|did|is|are|was|were|have you|has|what|when's|where|who|"
    r"why|how|which|remind|tell|book|find|show|give|make|help|write|add|remove|"
    r"explain|thank|thanks|unless|unless|as if)\b(?! I (?:was|am|were|lived|"
    r"moved)\b)"
    r"(?!,)",
    re.IGNORECASE,
)
_HEDGED = re.compile(r"\b(?:might|may|maybe|perhaps|probably|possibly)\b", re.IGNORECASE)
_SPECIFIC = re.compile(r"\d|(?<=\s)[A-Z][a-z]")


class LocalExtractor:
    """The standard extractor; see the neighbours for its steps."""

    name: Final = "local-rules-1"

    def extract(self, message: Said) -> list[Fact]:
        """Return at most 8 facts of 3 to 60 words (the subject counts), in the order in which they were said."""
        if message.role != "user" or message.recalled:
            return []
        facts: dict[str, Fact] = {}
        for sentence in sentences(message.content):
            for clause in _stated(sentence):
                fact = fact_in(clause, message)
                if fact is not None:
                    facts.setdefault(fact.text.casefold(), fact)
        return _most_important(list(facts.values()))


def _stated(sentence: Piece) -> list[Piece]:
    """Return the clauses that state something; of a question only what was said before it."""
    if _SPEAKS_OF_SOMEBODY.search(sentence.text) is None:
        return []
    if sentence.text[:3].casefold() == "if ":
        return []
    found = clauses(sentence)
    return found[:-1] if sentence.asks else found


def fact_in(clause: Piece, message: Said) -> Fact | None:
    """Return the fact that one clause states, None when it states none worth keeping."""
    if MASK in clause.text or len(clause.text) > MOST_CHARACTERS:
        return None
    plain = spoken_plainly(clause.text)
    if not FEWEST_WORDS <= plain.count(" ") + 1 <= MOST_WORDS or _NO_STATEMENT.match(plain):
        return None
    statement = read(plain)
    kind = kind_of(statement) if statement else None
    if statement is None or kind is None:
        return None
    text = resolved(rewritten(statement), message.at.date())
    text = text[:1].upper() + text[1:]
    return Fact(text, kind, importance_of(kind, text), _span(clause))


def importance_of(kind: Kind, text: str) -> float:
    """Return the kind's weight, 0.1 more with a number or a name in it, 0.2 less when hedged, within 0.1 and 1."""
    weight = IMPORTANCE[kind] + 0.1 * bool(_SPECIFIC.search(text)) - 0.2 * bool(_HEDGED.search(text))
    return round(min(1.0, max(0.1, weight)), 2)


def _span(clause: Piece) -> tuple[int, int]:
    return clause.start, clause.start + len(clause.text.rstrip())


def _most_important(facts: list[Fact]) -> list[Fact]:
    if len(facts) <= MOST_FACTS:
        return facts
    kept = sorted(facts, key=lambda fact: (-fact.importance, fact.span))[:MOST_FACTS]
    return sorted(kept, key=lambda fact: fact.span)
