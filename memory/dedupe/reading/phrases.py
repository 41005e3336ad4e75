"""Brings a folded fact to the plainest sentence that says it: "Lisbon be where self live" → "self live in lisbon".

The rules speak of how people tell facts about themselves, never of what the facts are about.
"""

from __future__ import annotations

import re
from typing import Final

from memory.dedupe.reading.rules import applied, loaded

_WORDING: Final = loaded("wording")
_SLOTS: Final = loaded("slots")
_TELLING: Final = re.compile(
    r"\b(?:now|currently|still|already|nowadays|presently|actually|(?:in )?these days|at (?:the moment|present)|"
    r"right now|also|as well|CHANGE)\b"
)
_PERFECT: Final = re.compile(r"\b(?:have|has|had) (?:be|been|had|have) (?=\w+ing\b)|\bhave (?=had\b)")
_WHEN: Final = (
    r"(?:(?:in|on|at|since|during|every|each|for|from|by|until|as of)\b [^,]{1,40}?|\w+ly|\w+days?|"
    r"(?:last|next|this)-\w+|ago)"
)
_EARLY: Final = re.compile(rf"^(?P<when>{_WHEN}) ,? ?(?P<rest>(?:self|my) .+)$")
# "B is shorter than A" is told as "A is taller than B"
_INVERTED: Final = {
    "MOREshorter": "taller", "MOREyounger": "older", "MOREsmaller": "bigger", "MOREslower": "faster",
    "MOREcheaper": "dearer", "MOREweaker": "stronger", "MORElighter": "heavier", "MORElater": "earlier",
    "MOREpoorer": "richer", "MORElower": "higher",
}  # fmt: skip


def worded(words: str) -> str:
    """Return the fact with its small words in one form."""
    return applied(_WORDING, words)


def settled(words: str) -> str:
    """Return the fact without the words that say that it is so now, and with its time at the end."""
    words = " ".join(_PERFECT.sub("", _TELLING.sub(" ", words)).split()).strip(" ,")
    early = _EARLY.match(words)
    return f"{early['rest']} {early['when']}" if early else words


def slotted(words: str) -> str:
    """Return the fact as the plainest sentence that says it."""
    words = applied(_SLOTS, words)
    return " ".join(_INVERTED.get(word, word) for word in words.split()) if "MORE" in words else words
