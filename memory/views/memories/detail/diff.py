"""What changed between two texts, word by word."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Final, NamedTuple

MOST: Final = 400  # words of a text that are compared: the time grows with their product
WORD: Final = re.compile(r"\S+")


class Piece(NamedTuple):
    """Words that follow each other: `how` is "ins", "del", or empty for what stayed."""

    how: str
    text: str


def diff(before: str, after: str) -> list[Piece]:
    """The words of `after`, with those of `before` that it lacks where they stood."""
    old, new = WORD.findall(before), WORD.findall(after)
    if not old or len(old) > MOST or len(new) > MOST:
        return [Piece("", after)]
    pieces: list[Piece] = []
    for how, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if how == "equal":
            pieces.append(Piece("", " ".join(new[c:d])))
            continue
        if b > a:
            pieces.append(Piece("del", " ".join(old[a:b])))
        if d > c:
            pieces.append(Piece("ins", " ".join(new[c:d])))
    return pieces
