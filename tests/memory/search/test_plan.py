from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.search import Strategy
from memory.search.filters import parsed
from memory.search.plan import LARGE, Choice, Size, choose, share_of, sought
from memory.search.plan.statistics import Column, Statistics
from memory.search.run import rarest
from memory.search.strategies import CAP, Term

KNOWN = Statistics(
    columns={
        "kind": Column(0.0, {"habit": 0.4, "health": 0.1}, 0.01),
        "agent_id": Column(0.0, {"": 0.9}, 0.001),
        "valid_to": Column(0.8, {}, 0.0),
        "pinned": Column(0.0, {"f": 0.98, "t": 0.02}, 0.0),
    }
)


def chosen(active: int, *, left: float = 1.0, indexed: float = 300_000, terms: int = 2, **known: bool) -> Choice:
    size = Size(active, active * left, known.pop("is_large", active >= LARGE), indexed, 1_000_000)
    words = [Term(f"word{number}", 0.001, 5.0) for number in range(terms)]
    return choose(size, words, parts=1, **{"has_vector": True, "is_active_only": True} | known)


@pytest.mark.parametrize(
    ("filter", "share"),
    [
        ({"kind": "habit"}, 0.4),
        ({"kind": {"ne": "habit"}}, 0.6),
        ({"kind": ["habit", "health"]}, 0.5),
        ({"kind": "work"}, 0.01),
        ({"kind": "habit", "pinned": True}, 0.4 * 0.02),
        ({"OR": [{"kind": "habit"}, {"kind": "health"}]}, 1 - 0.6 * 0.9),
        ({"NOT": [{"kind": "habit"}]}, 0.6),
        ({"agent_id": {"exists": True}}, 0.1),
        ({"valid_to": None}, 0.8),
        ({"valid_to": {"gt": "2026-01-01"}}, 0.2 / 3),
        ({"metadata.source": "mail"}, 0.1),
        ({}, 1.0),
    ],
)
def test_what_a_filter_leaves_is_told_from_postgresqls_statistics(filter: dict[str, object], share: float) -> None:
    assert share_of(parsed(filter), KNOWN) == pytest.approx(share)


def test_the_vector_index_is_taken_for_large_scopes_that_make_up_enough_of_it() -> None:
    assert chosen(500).strategy is Strategy.EXACT
    assert chosen(50_000).strategy is Strategy.HNSW
    assert chosen(50_000, is_large=False).strategy is Strategy.EXACT
    assert chosen(50_000, is_active_only=False).strategy is Strategy.EXACT
    assert chosen(12_000, indexed=5_000_000).strategy is Strategy.EXACT
    lonely = chosen(12_000, indexed=50_000_000)
    assert lonely.costs["hnsw"] is None
    assert "20,000 are the most" in lonely.why


def test_a_filter_that_leaves_little_is_a_reason_to_read_the_scope() -> None:
    assert chosen(50_000, left=0.5).strategy is Strategy.HNSW
    assert chosen(20_000, left=0.001).strategy is Strategy.EXACT


def test_without_a_vector_a_large_scope_is_searched_by_words() -> None:
    assert chosen(50_000, has_vector=False).strategy is Strategy.WORDS
    assert chosen(500, has_vector=False).strategy is Strategy.EXACT


@given(st.lists(st.floats(0.0001, 0.2), max_size=12), st.integers(1, 200_000))
def test_the_rarest_words_are_sought_as_far_as_they_are_in_few_rows(shares: list[float], active: int) -> None:
    terms = [Term(f"w{number}", share, 1.0) for number, share in enumerate(shares)]
    taken = sought(terms, active)
    assert bool(taken) == bool(terms)
    assert len(taken) <= 1 or sum(term.share for term in taken) * active <= CAP
    assert [term.share for term in taken] == sorted(shares)[: len(taken)]
    asked = rarest(terms, active)
    assert ("&" in asked) == (len(terms) > 1 and min(shares, default=0) * active > CAP)


def test_a_word_is_quoted_as_postgresql_reads_it() -> None:
    assert rarest([Term("o'brien\\", 0.1, 1.0)], 10) == "'o''brien\\\\'"
