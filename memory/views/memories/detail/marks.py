"""Marks in a text the words that decided: they are known in the form in which guards compare them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from memory.dedupe.normalise import normalise

WORD: Final = re.compile(r"\S+")
WIDEST: Final = 3  # words that may stand for one: "ten kilometres" is 10 km
STEM: Final = 4  # letters from which on a beginning counts as the same word
MOST: Final = 120  # words that are looked at
EDGES: Final = ".,;:!?()\"'\u201c\u201d\u2019"


class Part(NamedTuple):
    text: str
    is_marked: bool


def marked(text: str, deciding: Iterable[str]) -> list[Part]:
    """The text in parts, with those marked that say one of the deciding words."""
    wanted = {word.lower() for word in deciding if word}
    found = list(WORD.finditer(text))[:MOST]
    if not wanted or not found:
        return [Part(text, False)]
    spans: list[tuple[int, int]] = []
    place = 0
    while place < len(found):
        width = _width(found, place, wanted)
        if width:
            spans.append((found[place].start(), found[place + width - 1].end()))
        place += width or 1
    return cut(text, spans)


def cut(text: str, spans: Sequence[tuple[int, int]]) -> list[Part]:
    """The text with what lies in the spans marked; spans are in order and don't overlap."""
    parts, here = [], 0
    for start, end in spans:
        parts += [Part(text[here:start], False), Part(text[start:end], True)]
        here = end
    parts.append(Part(text[here:], False))
    return [part for part in parts if part.text]


def _width(found: Sequence[re.Match[str]], place: int, wanted: set[str]) -> int:
    """How many words from here on say a deciding word together; 0 for none."""
    for width in range(min(WIDEST, len(found) - place), 0, -1):
        said = " ".join(match.group().strip(EDGES) for match in found[place : place + width])
        if said.lower() in wanted or normalise(said) in wanted or (width == 1 and _is_form(said.lower(), wanted)):
            return width
    return 0


def _is_form(word: str, wanted: set[str]) -> bool:
    """Whether it begins as a deciding word does, whose ending was cut off."""
    return any(len(one) >= STEM and word.startswith(one) and len(word) - len(one) <= STEM for one in wanted)
