"""Reads a question: its words in their stems, the speakers whom it names, and what is left of it without them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection

from memory.search.messages.scope import MOST, Scope
from memory.search.messages.words import plain

TERMS: Final = 24  # of a question; of a longer one the longest words, which are the rarest
_ASKER: Final = re.compile(r"\b(?:I|my|mine|me|myself)\b", re.IGNORECASE)
_ASKING: Final = frozenset({"I", "I'm", "I've", "I'd", "I'll"})
_ANSWERER: Final = re.compile(r"\b(?:you|your|yours|yourself)\b", re.IGNORECASE)

# Both halves read a small answer: the question's words, and at most %(most)s rows of the scope by its btree.
LOOK_SQL = """
WITH spoken AS (
  SELECT speaker, count(*) AS times
  FROM (SELECT speaker FROM memory_indexedmessage WHERE {where} LIMIT %(most)s) AS scope GROUP BY speaker
)
SELECT (SELECT array_agg(lexeme ORDER BY length(lexeme) DESC, lexeme) FROM unnest(to_tsvector('english', %(plain)s))),
  (SELECT coalesce(sum(times), 0)::int FROM spoken), (SELECT array_agg(speaker) FROM spoken WHERE speaker <> '')
"""


@dataclass(frozen=True, slots=True)
class Question:
    """`terms` are stems; `speakers` and `roles` whom it asks about; `meant` is what to embed; `size` is the scope's,
    at most MOST + 1."""

    terms: Sequence[str]
    speakers: Sequence[str]
    roles: Sequence[str]
    meant: str
    size: int


def read(query: str, scope: Scope) -> Question:
    """What `query` asks of this scope."""
    with connection.cursor() as cursor:
        arguments = scope.arguments | {"plain": plain(query), "most": MOST + 1}
        cursor.execute(LOOK_SQL.format(where=scope.where), arguments)
        terms, size, speakers = cursor.fetchone()
    named = named_in(query, speakers or ())
    roles = () if named or speakers else roles_in(query)
    return Question((terms or [])[:TERMS], named, roles, without(query, speakers or ()), size)


def named_in(query: str, speakers: Sequence[str]) -> list[str]:
    """The speakers whom the query names, in full or by their first name."""
    return [speaker for speaker in speakers if _called(speaker).search(query)]


def roles_in(query: str) -> list[str]:
    """Whom a question means where nobody has a name: the user asks, and the assistant is asked."""
    return ["user"] * bool(_ASKER.search(query)) + ["assistant"] * bool(_ANSWERER.search(query))


def without(query: str, speakers: Sequence[str]) -> str:
    """The query without names of people who talk: messages don't hold their speaker's, so it leads vectors astray.

    Where nobody has a name, that may be any word with a capital after the first. All are found as words all the same.
    """
    if not speakers:
        first, *rest = query.split() or [""]
        return " ".join([first, *(word for word in rest if not word[0].isupper() or word in _ASKING)])
    for speaker in speakers:
        query = _called(speaker).sub(" ", query)
    return " ".join(query.split())


def _called(speaker: str) -> re.Pattern[str]:
    first = speaker.split()[0]
    names = [speaker, first] if len(first) > 1 else [speaker]
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b(?:['’]s)?", re.IGNORECASE)  # noqa: RUF001
