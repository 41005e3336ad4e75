"""Finds facts in a user's message by grammar and word lists: no model, no network, the same answer each time."""

from __future__ import annotations

import re
from typing import Final

from memory.providers.base import Fact, Said
from memory.providers.local.statements.dates import resolved
from memory.providers.local.statements.hearing.own_words import MASK
from memory.providers.local.statements.hearing.people import People
from memory.providers.local.statements.hearing.plainly import spoken_plainly
from memory.providers.local.statements.hearing.sentences import Piece
from memory.providers.local.statements.hearing.stated import stated
from memory.providers.local.statements.kinds import IMPORTANCE, Kind
from memory.providers.local.statements.third_person import Statement, read, rewritten
from memory.providers.local.statements.worth import kind_of

MOST_FACTS: Final = 8
FEWEST_WORDS: Final = 2
MOST_WORDS: Final = 60
# Nobody states 60 words in more; without a bound, a hostile message could keep the patterns busy for seconds.
MOST_CHARACTERS: Final = 600

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
_BEGINNINGS: Final = frozenset({"start", "begin", "move", "leave", "arrive", "graduate", "retire", "return"})
_SPECIFIC = re.compile(r"\d|(?<=\s)[A-Z][a-z]")


class LocalExtractor:
    """The standard extractor; see the neighbours for its steps."""

    name: Final = "local-rules-2"

    def extract(self, message: Said) -> list[Fact]:
        """Return at most 8 facts of 2 to 60 words (the subject counts), in the order in which they were said."""
        if message.role != "user" or message.recalled:
            return []
        facts: dict[str, Fact] = {}
        people = People()
        for clause in stated(message.content):
            fact = _fact_in(clause, message, people)
            if fact is not None:
                facts.setdefault(fact.text.casefold(), fact)
        return _most_important(list(facts.values()))


def _fact_in(clause: Piece, message: Said, people: People) -> Fact | None:
    """Return the fact that one clause states, None when it states none worth keeping."""
    if MASK in clause.text or len(clause.text) > MOST_CHARACTERS:
        return None
    plain = people.said_out(people.put_in(spoken_plainly(clause.text)))
    if not FEWEST_WORDS <= plain.count(" ") + 1 <= MOST_WORDS or _NO_STATEMENT.match(plain):
        return None
    statement = read(plain)
    people.hear(plain, understood=statement is not None)
    kind = kind_of(statement) if statement else None
    if statement is None or kind is None:
        return None
    text = resolved(rewritten(statement), message.at.date(), toward=_toward(statement, kind))
    text = text[:1].upper() + text[1:]
    return Fact(text, kind, importance_of(kind, text), _span(clause))


def _toward(said: Statement, kind: Kind) -> int:
    """Say whether the statement is about what is to come (1), what has happened (-1), or neither."""
    if said.form == "past":
        return -1
    return int(kind is Kind.PLAN or (said.main in _BEGINNINGS and said.form in {"base", "ing"}))


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
