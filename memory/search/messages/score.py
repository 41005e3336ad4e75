"""What makes a message an answer: how much of each sign it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from memory.search.messages.read import NAMED, STARTS, Bools, Floats, Rows
from memory.search.messages.words import ASKS, OF_ITSELF

K1: Final = 0.9  # how soon a word that is said again counts no more
B: Final = 0.4  # how much a long message is held back
AROUND: Final = 2  # messages on each side that a message borrows words from
SHORT: Final = 30  # words without stop words: a longer message says itself what it is about, and borrows less


@dataclass(frozen=True, slots=True)
class Signs:
    """A number per message and sign, greater is better. `words`, `neighbours`, `meaning` and `meaning_around` rank;
    the others only add. The last two are NaN where there is no vector."""

    words: Floats
    neighbours: Floats
    speaker: Floats
    length: Floats
    statement: Floats
    first_person: Floats
    meaning: Floats
    meaning_around: Floats


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual in a scope: how rare each term is, and how long a text is."""

    rarity: Floats
    length: float

    @classmethod
    def of(cls, having: Floats, size: int, length: float) -> Usual:
        """Rarity is the inverse document frequency of Robertson and Spärck Jones, kept above zero."""
        return cls(np.log1p((size - having + 0.5) / (having + 0.5)), max(1.0, length))


@dataclass(frozen=True, slots=True)
class Usuals:
    """What is usual of single messages, and of messages together with their neighbours."""

    alone: Usual
    together: Usual


def signs(rows: Rows, usuals: Usuals | None = None) -> Signs:
    """The signs of each message; what is usual is told by the rows themselves, where they are the whole scope."""
    near = _Neighbours(rows.marks & STARTS > 0)
    borrows = np.minimum(1.0, SHORT / np.maximum(rows.length, 1.0))
    counts = rows.counts + borrows[:, None] * near.summed(rows.counts, AROUND)
    length = rows.length + borrows * near.summed(rows.length, AROUND)
    of = usuals or Usuals(_usual(rows.counts, rows.length), _usual(counts, length))
    return Signs(
        words=bm25(rows.counts, rows.length, of.alone),
        neighbours=bm25(counts, length, of.together),
        speaker=(rows.marks & NAMED > 0).astype(np.float64),
        length=np.log1p(rows.length),
        statement=(rows.marks & ASKS == 0).astype(np.float64),
        first_person=(rows.marks & OF_ITSELF > 0).astype(np.float64),
        meaning=rows.similarity,
        meaning_around=_meaning_around(rows, near, borrows),
    )


def _usual(counts: Floats, length: Floats) -> Usual:
    return Usual.of((counts > 0).sum(axis=0), len(length), float(length.mean()) if len(length) else 1.0)


def bm25(counts: Floats, length: Floats, of: Usual) -> Floats:
    """S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009."""
    held_back = K1 * (1 - B + B * length / of.length)
    scores: Floats = (counts * (K1 + 1) / (counts + held_back[:, None])) @ of.rarity
    return scores


class _Neighbours:
    """Looks at the messages next to each one, as far as nothing starts between them."""

    def __init__(self, starts: Bools) -> None:
        self._run = np.cumsum(starts)

    def at(self, column: Floats, step: int) -> Floats:
        """The column's value `step` places before each message, or after it where `step` is negative; 0 beyond."""
        moved = np.zeros_like(column)
        here, there = (slice(step, None), slice(None, -step)) if step > 0 else (slice(None, step), slice(-step, None))
        same = self._run[here] == self._run[there]
        moved[here] = column[there] * (same if column.ndim == 1 else same[:, None])
        return moved

    def summed(self, column: Floats, around: int) -> Floats:
        """The sum over as many messages before and after each one, without its own."""
        total = np.zeros_like(column)
        for step in range(1, around + 1):
            total += self.at(column, step) + self.at(column, -step)
        return total


def _meaning_around(rows: Rows, near: _Neighbours, borrows: Floats) -> Floats:
    """The cosine of the question with each message and what it borrows of the one before and the one after.

    A text's vector is the mean of its words' vectors, so that of the three is near the sum of theirs by length; how
    long that sum is follows from the cosines between them.
    """
    has = ~np.isnan(rows.similarity)
    own = np.where(has, np.maximum(rows.length, 1.0), 0.0)
    before, after = borrows * near.at(own, 1), borrows * near.at(own, -1)
    share = own * np.nan_to_num(rows.similarity)
    one, two = np.nan_to_num(rows.one_before), np.nan_to_num(rows.two_before)
    square = own**2 + before**2 + after**2
    square += 2 * (own * before * one + own * after * _next(one) + before * after * _next(two))
    together: Floats = (share + borrows * near.summed(share, 1)) / np.sqrt(np.maximum(square, 1e-9))
    return np.where(has, together, np.nan)


def _next(column: Floats) -> Floats:
    """The column's value of the message after each one."""
    return np.append(column[1:], 0.0)[: len(column)]


Sign = Callable[[Signs], Floats]
RANKING: Final[tuple[Sign, ...]] = (
    lambda signs: signs.words,
    lambda signs: signs.neighbours,
    lambda signs: signs.meaning,
    lambda signs: signs.meaning_around,
)
