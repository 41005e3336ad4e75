"""Answers how pairs of facts relate, by the words in which they differ."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from memory.providers.local.statements.verbs import words_of
from memory.providers.simulator.answers import prompts

MOST_PAIRS: Final = 100
_WORD = re.compile(r"[^\W_]+(?:['\u2019.:-][^\W_]+)*")
_NEGATION: Final = frozenset(words_of("no not never none nothing cannot neither nor without longer anymore"))
_EMPTY: Final = frozenset(
    words_of(
        """
    a an the is are am was were be been has have had do does did i my me they their them of in on at to for with and
    that this it its so too also just really very currently now still
    """
    )
)

Pair = tuple[int, str, str]


def asked(turns: Sequence[Mapping[str, Any]]) -> list[Pair]:
    """The pairs (id, older, newer) that the newest turn with any is about."""
    for document in prompts.documents(turns):
        listed = document.get("pairs")
        if not isinstance(listed, list):
            continue
        shown = [one for one in listed[:MOST_PAIRS] if isinstance(one, dict)]
        found = [(one.get("id"), one.get("older"), one.get("newer")) for one in shown]
        if pairs := [
            (id, older, newer)
            for id, older, newer in found
            if isinstance(id, int) and isinstance(older, str) and isinstance(newer, str)
        ]:
            return pairs
    return []


def answer(pairs: Sequence[Pair]) -> str:
    """A JSON document with a judgement for each pair."""
    judged = [(id, *_related(older, newer)) for id, older, newer in pairs]
    return json.dumps({"judgements": [{"id": id, "relation": what, "why": why} for id, what, why in judged]})


def _related(older: str, newer: str) -> tuple[str, str]:
    """The relation, and why: numbers, negations and names first, then the other words."""
    old, new = _words(older), _words(newer)
    lost, added = old.keys() - new.keys(), new.keys() - old.keys()
    if not lost and not added:
        return "same", "They say the same words."
    alike = len(old.keys() & new.keys()) / max(1, min(len(old), len(new)))
    if (lost | added) & _NEGATION:
        return ("conflict", "One denies what the other says.") if alike >= 0.5 else ("apart", "They share few words.")
    if {old[word] for word in lost} & {new[word] for word in added} & {"number", "name"} and alike >= 0.5:
        return "conflict", "They differ in a number or a name."
    if not lost:
        return "richer", "The newer one says more."
    if not added:
        return "poorer", "The older one says more."
    return ("same", "They differ in a small word.") if alike >= 0.75 else ("apart", "They say different things.")


def _words(text: str) -> dict[str, str]:
    """The words that carry the meaning, without their endings, each with what it is."""
    found: dict[str, str] = {}
    for place in _WORD.finditer(text):
        word = place[0].casefold()
        if word in _EMPTY:
            continue
        is_name = place.start() > 0 and place[0][0].isupper()
        kind = "number" if any(map(str.isdigit, word)) else "name" if is_name else "word"
        found[word if word in _NEGATION or kind != "word" else _stem(word)] = kind
    return found


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s", "e"):
        if len(word) > len(ending) + 2 and word.endswith(ending):
            return word[: -len(ending)]
    return word
