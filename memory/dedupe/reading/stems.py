"""Base forms of words: "studies", "studied" and "studying" are one word."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from memory.dedupe.reading.rules import lines
from memory.providers.local.statements.verbs import FORMS, third, words_of

_IRREGULAR: Final = {
    "children": "child", "people": "person", "men": "man", "women": "woman", "feet": "foot", "teeth": "tooth",
    "mice": "mouse", "wives": "wife", "knives": "knife", "lives": "live", "halves": "half", "shelves": "shelf",
    "lent": "lend", "taught": "teach", "sang": "sing", "sung": "sing", "stung": "sting", "stole": "steal",
    "stolen": "steal", "hid": "hide", "hidden": "hide", "dug": "dig", "fought": "fight", "sought": "seek",
    "shot": "shoot", "shut": "shut", "split": "split", "spent": "spend", "woke": "wake", "woken": "wake",
    "beat": "beat", "beaten": "beat", "bent": "bend", "blew": "blow", "blown": "blow", "brought": "bring",
    "cast": "cast", "clung": "cling", "crept": "creep", "dealt": "deal", "froze": "freeze", "frozen": "frozen",
    "ground": "ground", "hung": "hang", "knelt": "kneel", "laid": "lay", "lain": "lie", "lit": "light",
    "overcame": "overcome", "rang": "ring", "rung": "ring", "rose": "rise", "risen": "rise", "shook": "shake",
    "shaken": "shake", "shone": "shine", "slid": "slide", "spun": "spin", "stuck": "stick", "struck": "strike",
    "swept": "sweep", "sworn": "swear", "swore": "swear", "woven": "weave", "bought": "buy", "written": "write",
    "hired": "hire", "glasses": "glasses", "news": "news", "maths": "maths", "physics": "physics",
    "fries": "fries", "series": "series", "species": "species", "clothes": "clothes", "jeans": "jeans",
    "married": "married", "bed": "bed", "red": "red", "wed": "wed", "need": "need", "morning": "morning",
    "evening": "evening", "wedding": "wedding", "during": "during", "ceiling": "ceiling", "building": "building",
    "king": "king", "ring": "ring", "spring": "spring", "string": "string", "thing": "thing", "sibling": "sibling",
    "pudding": "pudding", "herring": "herring", "bus": "bus", "gas": "gas", "lens": "lens", "tennis": "tennis",
    "speed": "speed", "seed": "seed", "feed": "feed", "breed": "breed", "hundred": "hundred", "sacred": "sacred",
}  # fmt: skip
VERBS: Final = frozenset(
    form
    for base in " ".join(lines("verbs")).split()
    for form in (
        base,
        third(base),
        *((base + "d",) if base.endswith("e") else (base + "ed", base + base[-1] + "ed")),
        base.removesuffix("e") + "ing",
    )
) | frozenset(
    words_of(
        """
    led lent sued taught told beat shut felt knew sent
    """
    )
)
_NOUNS: Final = frozenset(
    words_of(
        """
    nurse coach back host cover film record test text phone email message drop last report call log index
    cache store type code program stream act bet end close guide judge run
    """
    )
)
_ENDINGS: Final = (
    ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("ies", "y"), ("ied", "y"),
    ("ing", ""), ("ed", ""), ("s", ""),
)  # fmt: skip
_DOUBLED: Final = re.compile(r"([bdgmnprt])\1$")
_STAYS: Final = ("ss", "us", "is", "eed", "thing")


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """Return a word's base form: a verb's from the table of forms, else without plural, -ing, -ed and last -e."""
    if word in _IRREGULAR:
        return _cut(_IRREGULAR[word])
    if word in FORMS:
        return _cut(FORMS[word][0])
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith(_STAYS):
            return _cut(_single(word[: -len(ending)] + instead, ending))
    return _cut(word)


def _single(word: str, ending: str) -> str:
    return _DOUBLED.sub(r"\1", word) if ending in {"ing", "ed"} else word


def _cut(word: str) -> str:
    return word.removesuffix("e") if len(word) > 3 else word


def is_form_of_verb(word: str) -> bool:
    """Say whether a word is a known form of a verb."""
    return word in FORMS or (word in VERBS and word not in _NOUNS)
