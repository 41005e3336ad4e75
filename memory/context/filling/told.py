"""Tells whether a summary or a message that the model sees says a memory already."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from memory.dedupe.relate import Relation, relate
from memory.providers.local.statements.hearing.sentences import clauses, sentences
from memory.providers.local.statements.verbs import words_of
from memory.tuning.terms import Dedupe

_WORD = re.compile(r"[^\W_]+")
# words of a memory that a sentence need not have to say it: they change with the person who speaks
_LIGHT: Final = frozenset(
    words_of(
        """
    a an the is are am was were be been being has have had do does did i my me mine he she it his her its they their
    them you your user of to in on at for with and or that this
    """
    )
)
_ENDINGS: Final = ("ies", "es", "s", "ing", "ed")
_LEAST = 3  # letters of a stem
_SAYS: Final = frozenset({Relation.SAME, Relation.POORER})


class Told:
    """The texts that are seen, newest message first, with their lower-case letters at hand."""

    def __init__(self, texts: Sequence[str], terms: Dedupe) -> None:
        self._texts = texts
        self._folded = [text.casefold() for text in texts]
        self._all = "\n".join(self._folded)
        self._terms = terms

    def place(self, memory: str) -> int | None:
        """The first text that says the memory, all of its words in one sentence that no guard objects to."""
        stems = []
        for stem in _stems(memory.casefold()):
            if stem not in self._all:
                return None  # nearly every memory has a word that nobody has said: that costs a microsecond or two
            stems.append(stem)
        if not stems:
            return None
        for place, folded in enumerate(self._folded):
            if all(stem in folded for stem in stems) and self._says(self._texts[place], stems, memory):
                return place
        return None

    def _says(self, text: str, stems: Sequence[str], memory: str) -> bool:
        for piece in sentences(text):
            said = text[piece.start : piece.end]
            folded = said.casefold()
            if piece.asks or not all(stem in folded for stem in stems):
                continue
            # alike as can be, since all words are there: what is asked is whether something speaks against it
            for clause in (said, *(text[part.start : part.end] for part in clauses(piece))):
                if relate(memory, clause, similarity=1.0, terms=self._terms).relation in _SAYS:
                    return True
        return False


def _stems(folded: str) -> Iterator[str]:
    """The words that matter, without the endings that go with the person: "lives" and "live" share "live"."""
    for found in _WORD.finditer(folded):
        word = found[0]
        if word not in _LIGHT:
            yield _stem(word)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST and not word.endswith("ss"):
            return word[: -len(ending)]
    return word
