"""Chooses how a scope is searched: what each strategy would cost, and which is the cheapest that can answer.

The costs are milliseconds on the machine of docs/bench.md; elsewhere they are wrong together, which leaves the choice
as it is. `make bench-search` measures the choice against the best strategy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from memory.search.found import Strategy
from memory.search.strategies import CAP, Term

# A scope is large from here on: its rows go into the vector index. It is small again below SMALL. What was measured is
# that the index wins at this size (docs/bench.md), and that a row costs milliseconds to be put in.
LARGE: Final = 10_000
SMALL: Final = 8_000

DEPTH: Final = 40  # candidates of each ranking
EF_SEARCH: Final = 400  # with 160 the nearest ten of 320,000 indexed rows were found to 0.95
MOST_SCANNED: Final = 60_000  # rows that an iterative scan of the index may look at
MOST_EXPECTED: Final = 20_000  # that it is asked to: filters leave what they leave unevenly
SPARE: Final = 1.5  # times the rows that would do if the filter's were spread evenly

START_MS: Final = 1.0  # of a statement: its round trip and PostgreSQL's own plan
READ_US: Final = 1.6  # a row of the scope: index, heap, filter, words
COMPARED_US: Final = 0.4  # the distance of one that the filter leaves, and its place among the nearest
INDEXED_US: Final = 10.0  # a row that the vector index gives
LEFT_US: Final = 3.0  # a row of the scope that has one of the rarest words: heap, each word, rank
LISTED_US: Final = 0.2  # a row of the scope in the btree
POSTED_US: Final = 0.7  # a row of anybody that has the words: the index of words, heap
NEWEST_US: Final = 2.0  # a row from the btree's end


@dataclass(frozen=True, slots=True)
class Size:
    """A scope in numbers: active memories, those that the filter leaves, and what it shares the indexes with."""

    active: int
    left: float
    is_large: bool
    indexed: float = 0.0  # rows of the vector index
    memories: float = 0.0  # of everybody

    @property
    def share_left(self) -> float:
        return self.left / self.active if self.active else 1.0

    @property
    def scanned(self) -> float:
        """Rows that the vector index must give until it has enough of this scope that the filter leaves."""
        mine = self.left / max(self.indexed, self.active, 1)
        return DEPTH * SPARE / max(mine, 1e-9)


@dataclass(frozen=True, slots=True)
class Choice:
    """A strategy, with what was expected of all of them; one that can't answer has the cost None."""

    strategy: Strategy
    why: str
    costs: dict[str, float | None]
    ef_search: int = EF_SEARCH
    max_scan: int = MOST_SCANNED


def choose(size: Size, terms: Sequence[Term], *, parts: int, has_vector: bool, is_active_only: bool) -> Choice:
    """The cheapest that can answer; `parts` is 0 where a question has no word to look for."""
    if not parts:
        return Choice(Strategy.RECENCY, "The question has no word to look for: the newest serve.", _recency(size))
    no_index = _why_no_index(size, has_vector, is_active_only)
    read = START_MS + (size.active * READ_US + size.left * COMPARED_US * has_vector) / 1000
    indexed = START_MS + max(size.scanned, EF_SEARCH) * INDEXED_US / 1000
    worded = START_MS + _words(size, terms)
    costs: dict[str, float | None] = {
        Strategy.EXACT: parts * read,
        Strategy.HNSW: None if no_index else START_MS + parts * (indexed + worded),
        # of a small scope words are weighed by what is in it, which takes reading it
        Strategy.WORDS: None if has_vector or not size.is_large else START_MS + parts * worded,
        Strategy.RECENCY: None,
    }
    offered = {name: cost for name, cost in costs.items() if cost is not None}
    best = Strategy(min(offered, key=offered.__getitem__))
    return Choice(best, _why(best, size, no_index, has_vector, costs), _rounded(costs))


def _why_no_index(size: Size, has_vector: bool, is_active_only: bool) -> str:
    """Why the vector index can't answer; empty where it can."""
    if not has_vector:
        return "the question has no vector"
    if not size.is_large:
        return "the scope is not in it"
    if not is_active_only:
        return "it holds active memories only"
    if size.scanned > MOST_EXPECTED:
        return f"it would have to look at {size.scanned:,.0f} rows, {MOST_EXPECTED:,} are the most"
    return ""


def _words(size: Size, terms: Sequence[Term]) -> float:
    """PostgreSQL joins the lists of both indexes, or looks at all rows of the words, whichever it takes for less."""
    share = min(1.0, sum(term.share for term in sought(terms, size.active)))
    mine = min(CAP, share * size.active)
    return (mine * LEFT_US + min(size.active * LISTED_US, share * size.memories * POSTED_US)) / 1000


def sought(terms: Sequence[Term], active: int) -> list[Term]:
    """As many of the rarest terms as are expected in CAP rows, and one in any case.

    Common words are left to rank what the rare ones find.
    """
    taken: list[Term] = []
    expected = 0.0
    for term in sorted(terms, key=lambda term: term.share):
        expected += term.share * active
        if taken and expected > CAP:
            break
        taken.append(term)
    return taken


def _recency(size: Size) -> dict[str, float | None]:
    looked_at = 10 / max(size.share_left, 1e-3)
    cost = START_MS + looked_at * NEWEST_US / 1000
    return _rounded({Strategy.EXACT: None, Strategy.HNSW: None, Strategy.WORDS: None, Strategy.RECENCY: cost})


def _why(best: Strategy, size: Size, no_index: str, has_vector: bool, costs: dict[str, float | None]) -> str:
    if best is Strategy.HNSW:
        return (
            f"Reading all {size.active:,} memories would take {costs[Strategy.EXACT]:.0f} ms; the vector index gives "
            f"the nearest after about {max(size.scanned, EF_SEARCH):,.0f} of its rows, the rarest words find the rest."
        )
    if best is Strategy.WORDS:
        return "The question has no vector: those with its rarest words are ranked, and not all are read."
    if no_index:
        return f"All {size.active:,} memories are read; the vector index can't answer: {no_index}."
    return f"Reading all {size.active:,} memories costs less than {costs[Strategy.HNSW]:.0f} ms by the vector index."


def _rounded(costs: dict[str, float | None]) -> dict[str, float | None]:
    return {str(name): None if cost is None else round(cost, 2) for name, cost in costs.items()}
