"""How near two words are by static vectors: for what no list of words of one meaning has.

The vectors know a word that their tokenizer leaves whole. What it cuts up (names, codes, rare words) has the vector of
its syllables: "bobi" would be near "gobi". So a word that is cut up, and that no list has, is near to none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memory.dedupe.reading.senses import is_listed
from memory.providers.local.embedder import tokenizer_and_vectors

_ENDINGS: Final = frozenset(
    [
        "",
        "e",
        "te",
        "t",
        "ed",
        "er",
        "or",
        "ing",
        "tion",
        "ation",
        "ion",
        "ment",
        "y",
        "ic",
        "al",
        "ist",
        "ance",
        "ence",
    ]
)
_SHORTEST: Final = 4


@lru_cache(maxsize=65536)
def nearness(one: str, other: str) -> float:
    """Return how near two words are, from 0 to 1; forms of one word count 0.9."""
    if one > other:
        return nearness(other, one)
    if not (_is_known(one) and _is_known(other)):
        return 0.0
    if _are_forms(one, other):
        return 0.9
    return max(0.0, round(float(_vector(one) @ _vector(other)), 3))


@lru_cache(maxsize=16384)
def _is_known(word: str) -> bool:
    return is_listed(word) or len(_pieces(word)) == 1


def _are_forms(one: str, other: str) -> bool:
    common = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        common += 1
    return common >= _SHORTEST and one[common:] in _ENDINGS and other[common:] in _ENDINGS


@lru_cache(maxsize=16384)
def _vector(word: str) -> NDArray[np.float32]:
    vectors, ids = tokenizer_and_vectors()[1], _pieces(word)
    mean = vectors[ids].mean(axis=0) if ids else np.zeros(vectors.shape[1], dtype=np.float32)
    length = float(np.linalg.norm(mean))
    return (mean / length if length else mean).astype(np.float32)


def _pieces(word: str) -> list[int]:
    pieces: list[int] = tokenizer_and_vectors()[0].encode(word, add_special_tokens=False).ids
    return pieces
