"""What becomes of a fact, by how it relates to what is stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.dedupe.decide import Candidate, Standing, Verdict, Weighed, decide, nearness, weigh
from memory.dedupe.normalise import text_hash
from memory.dedupe.relate import Relation
from memory.models import Outcome
from memory.tuning.terms import Dedupe
from tests.make import NOW

EARLIER, LATER = NOW - timedelta(days=30), NOW + timedelta(days=30)


def make_weighed(relation: Relation, *, number: int = 1, score: float = 0.9) -> Weighed:
    return Weighed(UUID(int=number), 0.9, relation, score, (), Outcome.KEPT_APART)


def make_standing(**fields: Any) -> Standing:
    return Standing(**{"since": EARLIER, "last": EARLIER} | fields)


def decided(*weighed: Weighed, **more: Any) -> Verdict:
    """About a fact that is said now, beside memories that were said before."""
    standing = {one.id: make_standing() for one in weighed} | more.pop("standing", {})
    return decide(sorted(weighed, key=nearness), said_at=NOW, standing=standing, **more)


def ids(*numbers: int) -> tuple[UUID, ...]:
    return tuple(UUID(int=number) for number in numbers)


def test_nothing_stored_means_added() -> None:
    assert decided() == Verdict(Outcome.ADDED)


@pytest.mark.parametrize("relation", [Relation.SAME, Relation.POORER])
def test_what_is_said_already_is_a_duplicate_whatever_else_is_stored(relation: Relation) -> None:
    verdict = decided(make_weighed(Relation.CONFLICT, number=2, score=0.99), make_weighed(relation))
    assert (verdict.outcome, verdict.of, verdict.superseded) == (Outcome.DUPLICATE, UUID(int=1), ())
    assert [one.outcome for one in verdict.trace] == [Outcome.KEPT_APART, Outcome.DUPLICATE]


def test_the_most_alike_is_the_one_that_is_repeated_and_ties_go_to_the_smaller_id() -> None:
    verdict = decided(
        *(make_weighed(Relation.SAME, number=number, score=0.8 + (number > 1) / 10) for number in (3, 2, 1))
    )
    assert verdict.of == UUID(int=2)


def test_what_says_less_is_merged_into_the_richer_fact_and_a_contradiction_is_superseded() -> None:
    verdict = decided(make_weighed(Relation.RICHER), make_weighed(Relation.CONFLICT, number=2, score=0.7))
    assert (verdict.outcome, verdict.other) == (Outcome.SUPERSEDED, UUID(int=2))
    assert (verdict.merged, verdict.superseded, verdict.by) == (ids(1), ids(2), None)
    assert [one.outcome for one in verdict.trace] == [Outcome.MERGED, Outcome.SUPERSEDED]


def test_what_was_said_before_the_contradiction_that_is_stored_is_superseded_itself() -> None:
    standing = {
        UUID(int=number): make_standing(since=at, last=at) for number, at in ((1, LATER + timedelta(1)), (2, LATER))
    }
    verdict = decided(*(make_weighed(Relation.CONFLICT, number=number) for number in (1, 2, 3)), standing=standing)
    assert (verdict.outcome, verdict.by, verdict.until) == (Outcome.SUPERSEDED, UUID(int=2), LATER)
    assert verdict.superseded == ids(3)


def test_a_contradiction_that_was_said_again_later_holds_from_then_on() -> None:
    standing = {UUID(int=1): make_standing(since=EARLIER, last=LATER)}
    verdict = decided(make_weighed(Relation.CONFLICT), standing=standing)
    assert (verdict.by, verdict.until) == (UUID(int=1), LATER)


@pytest.mark.parametrize("relation", [Relation.RICHER, Relation.CONFLICT])
def test_a_persons_own_memory_is_never_retired_but_asked_about(relation: Relation) -> None:
    own = {UUID(int=1): make_standing(is_own=True)}
    verdict = decided(make_weighed(relation), make_weighed(relation, number=2, score=0.7), standing=own)
    assert (verdict.outcome, verdict.other) == (Outcome.REVIEW, UUID(int=1))
    assert (verdict.merged, verdict.superseded) == ((), ())


def test_what_nobody_can_tell_waits_for_review() -> None:
    verdict = decided(make_weighed(Relation.APART), make_weighed(Relation.UNSURE, number=2))
    assert (verdict.outcome, verdict.other, verdict.of) == (Outcome.REVIEW, UUID(int=2), None)


def test_two_that_are_kept_apart_are_not_merged_into_one_richer_fact() -> None:
    poorer = [make_weighed(Relation.RICHER, number=number, score=1 - number / 10) for number in (1, 2, 3)]
    verdict = decided(*poorer, apart={frozenset(ids(1, 2))})
    assert verdict.merged == ids(1, 3)


def test_the_same_words_are_the_same_fact_whatever_the_vectors_say_and_far_ones_do_not_matter() -> None:
    candidates = [
        Candidate(UUID(int=1), "lives in LEEDS!", text_hash("lives in LEEDS!"), 0.0),
        Candidate(UUID(int=2), "Plays the cello", text_hash("Plays the cello"), 0.1),
    ]
    found = weigh("Lives in Leeds", text_hash("Lives in Leeds"), candidates, terms=Dedupe())
    assert [(one.relation, one.outcome) for one in found] == [
        (Relation.SAME, Outcome.KEPT_APART),
        (Relation.APART, Outcome.ADDED),
    ]


_WEIGHED = st.lists(
    st.builds(
        make_weighed, st.sampled_from(Relation), number=st.integers(1, 50), score=st.sampled_from([0.7, 0.8, 0.9])
    ),
    max_size=6,
    unique_by=lambda one: one.id,
)


@given(_WEIGHED, st.sets(st.integers(1, 50)), st.sets(st.integers(1, 50)))
def test_the_order_of_candidates_changes_nothing_and_each_is_told(
    found: list[Weighed], own: set[int], late: set[int]
) -> None:
    standing = {
        one.id: make_standing(is_own=one.id.int in own, last=LATER if one.id.int in late else EARLIER) for one in found
    }
    verdict = decided(*found, standing=standing)
    assert decided(*found[::-1], standing=standing) == verdict
    assert {one.id for one in verdict.trace} == {one.id for one in found}
    assert not {one.id for one in found if standing[one.id].is_own} & {*verdict.merged, *verdict.superseded}
    retired = {one.id for one in verdict.trace if one.outcome in (Outcome.MERGED, Outcome.SUPERSEDED)}
    assert retired == {*verdict.merged, *verdict.superseded} | ({verdict.by} if verdict.by else set())
    assert [replace(one, outcome=Outcome.ADDED) for one in verdict.trace] == sorted(
        (replace(one, outcome=Outcome.ADDED) for one in found), key=nearness
    )
