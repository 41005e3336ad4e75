"""Says what a message states: clause by clause, and whether some words of it are among what is stated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from memory.providers.local.statements.hearing.own_words import MASK, own_words
from memory.providers.local.statements.hearing.plainly import is_meant, is_request
from memory.providers.local.statements.hearing.sentences import (
    Piece,
    clauses,
    directly,
    granted,
    in_passing,
    sentences,
)

MOST_SENTENCES: Final = 500  # more is a paste; without a bound, a page of full stops would take seconds
MOST_COVERED: Final = 2  # words of code or speech within words that are believed


def stated(content: str) -> Iterator[Piece]:
    """Yield the clauses that state something; of a question what it takes for granted, of a supposition nothing."""
    for sentence in islice(sentences(content, cover=own_words), MOST_SENTENCES):
        if sentence.text[:3].casefold() == "if " or not is_meant(sentence.text):
            continue
        yield from in_passing(sentence)
        rest = directly(sentence)
        yield from granted(rest) if rest.asks and not is_request(rest.text) else clauses(rest)


class Statements:
    """What a message states, to hold what others found in it against."""

    def __init__(self, content: str) -> None:
        self._content = content
        self._own = own_words(content)
        self._pieces: Sequence[Piece] = list(stated(content))

    def holds(self, span: tuple[int, int]) -> bool:
        """Whether the words at `span` are the author's own statement: not code, quoted, recalled, supposed or asked."""
        start, end = span
        covered = "".join(
            word if own in (MASK, "\n") else " "
            for word, own in zip(self._content[start:end], self._own[start:end], strict=True)
        )
        if len(covered.split()) > MOST_COVERED:
            return False
        return any(piece.start < end and start < piece.end for piece in self._pieces)
