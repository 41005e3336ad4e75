"""Rewrites a question into what is searched for: its words, its texts to embed, the times that it names.

Pure: the same question at the same time gives the same parts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from memory.providers.local.statements.verbs import words_of
from memory.search.times import Span, spans

LONG: Final = 60  # words; what is longer is searched for in parts
PARTS: Final = 4
TERMS: Final = 32  # different words of a part that are looked for

# As PostgreSQL's dictionary english has them, with what contractions leave over.
STOP_WORDS: Final = frozenset(
    words_of(
        """
    i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it
    its itself they them their theirs themselves what which who whom this that these those am is are was were be been
    being have has had having do does did doing a an the and but if or because as until while of at by for with about
    against between into through during before after above below to from up down in out on off over under again further
    then once here there when where why how all any both each few more most other some such no nor not only own same so
    than too very s t can will just don should now
    m re ve ll d aren isn wasn weren hasn haven hadn doesn didn couldn wouldn shouldn won
    """
    )
)
# What a question about everything is asked with: these words are in few memories, and never what is meant.
_ASKING: Final = frozenset(
    words_of(
        """anything everything something know knows remember remembers recall tell told say said please would could
        happen happens happened happening going"""
    )
)
# What user ids are made of when they are not made of names.
_NO_NAMES: Final = frozenset(
    words_of("""user users admin test tests demo guest anonymous account customer client uid bench""")
)
_WORD: Final = re.compile(r"[^\W_]+")
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
# Memories say nothing of their user's name. A name that is a question's subject, or that owns what is asked for, stands
# for the user, and would pull the vector to where names are.
_SUBJECT: Final = re.compile(
    r"\b(?P<verb>(?i:do|does|did|has|have|had|is|was|will|would|can|could|should))\s+"
    r"(?P<name>[A-Z][\w\u2019'-]*[a-z](?:\s+[A-Z][a-z]+)?)(?=\s+[a-z])"
)
_OWNER: Final = re.compile(r"\b(?P<name>[A-Z][^\W\d_]+)['\u2019]s\b")


@dataclass(frozen=True, slots=True)
class Part:
    """What is looked for at once: `text` is to be embedded, `words` are to be stemmed."""

    text: str
    words: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A question as it is searched for; without parts nothing is, and the newest memories serve."""

    parts: tuple[Part, ...]
    spans: tuple[Span, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def texts(self) -> list[str]:
        """What to embed, a row each."""
        return [part.text for part in self.parts]


def rewrite(query: str, *, now: datetime, user_id: str = "") -> Rewritten:
    """The question's parts; `user_id` tells which names are the user's own."""
    times = tuple(spans(query, now))
    rest = _without(query, [span.said for span in times])
    notes = [f'"{span.said}" is {span.first:%Y-%m-%d} to {span.end:%Y-%m-%d}' for span in times]
    if not _content(rest):
        notes.append("no word to look for: the newest serve" + (" of that time" if times else ""))
        return Rewritten((), times, tuple(notes))
    named = " ".join(span.words for span in times).strip()
    chunks = _chunks(rest)
    if len(chunks) > 1:
        notes.append(f"{len(_WORD.findall(rest))} words are looked for in {len(chunks)} parts")
    parts = []
    for chunk in chunks:
        text = nameless(chunk, user_id)
        if text != chunk:
            notes.append("the user's name counts as a word, not as meaning")
        parts.append(Part(text, f"{chunk} {named}".strip()))
    return Rewritten(tuple(parts), times, tuple(dict.fromkeys(notes)))


def nameless(text: str, user_id: str = "") -> str:
    """The text without what names the user; as it is, where nothing else would be left."""
    own = {word for word in _words(user_id.partition("@")[0]) if len(word) > 2 and not word.isdigit()} - _NO_NAMES
    bare = _SUBJECT.sub(r"\g<verb>", text)
    bare = _OWNER.sub(lambda found: found[0] if found["name"].lower() in STOP_WORDS else "", bare)
    if own:
        bare = re.sub(rf"\b(?:{'|'.join(map(re.escape, sorted(own)))})(?:['\u2019]s)?\b", "", bare, flags=re.IGNORECASE)
    bare = " ".join(bare.split())
    return bare if bare != text and _content(bare) else text


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _content(text: str) -> bool:
    """Whether a word is left that can be looked for."""
    return any(word not in STOP_WORDS and word not in _ASKING for word in _words(text))


def _without(query: str, said: Sequence[str]) -> str:
    for each in said:
        query = query.replace(each, " ", 1)
    return " ".join(query.split()) if said else query.strip()


def _chunks(text: str) -> list[str]:
    """The text as it is, or a very long one in parts of about one length that end with sentences where they can."""
    if len(_WORD.findall(text)) <= LONG:
        return [text]
    pieces = [piece for sentence in _SENTENCE.split(text) for piece in _pieces(sentence)]
    size = max(LONG, -(-sum(len(piece) for piece in pieces) // PARTS))
    chunks: list[list[str]] = [[]]
    for piece in pieces:
        if chunks[-1] and len(chunks) < PARTS and sum(map(len, chunks[-1])) + len(piece) > size:
            chunks.append([])
        chunks[-1].append(piece)
    joined = [" ".join(piece) for piece in chunks]
    return [chunk for chunk in joined if _content(chunk)] or joined[:1]


def _pieces(sentence: str) -> list[str]:
    """A sentence in pieces of at most LONG words."""
    words = sentence.split()
    return [" ".join(words[start : start + LONG]) for start in range(0, len(words), LONG)]
