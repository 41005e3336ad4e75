"""When a fact is a duplicate of a stored one, and of which."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.dedupe.decide import Candidate, Outcome, decide
from memory.dedupe.normalise import text_hash


def make_candidate(text: str = "Lives in Leeds", *, number: int = 1, similarity: float = 0.97) -> Candidate:
    return Candidate(UUID(int=number), text, text_hash(text), similarity)


def test_nothing_stored_means_added() -> None:
    verdict = decide("Lives in Leeds", [])
    assert (verdict.outcome, verdict.of, verdict.trace) == (Outcome.ADDED, None, ())


def test_an_equal_hash_is_a_duplicate_whatever_the_similarity() -> None:
    verdict = decide("lives in LEEDS!", [make_candidate(similarity=0.0)])
    assert (verdict.outcome, verdict.of) == (Outcome.DUPLICATE, UUID(int=1))


def test_near_certain_without_objection_is_a_duplicate() -> None:
    verdict = decide("Is based in Leeds", [make_candidate()])
    assert (verdict.outcome, verdict.of) == (Outcome.DUPLICATE, UUID(int=1))


def test_just_below_near_certain_is_added_and_listed() -> None:
    verdict = decide("Is based in Leeds", [make_candidate(similarity=0.949)])
    assert verdict.outcome is Outcome.ADDED
    assert verdict.trace[0].outcome is Outcome.KEPT_APART


@pytest.mark.parametrize(
    ("new", "stored", "guard"),
    [
        ("Rent is 500 euros", "Rent is 5000 euros", "number"),
        ("No longer eats meat", "Does not eat meat", "negation"),
        ("Is flying from Oslo to Berlin", "Is flying from Berlin to Oslo", "role"),
    ],
)
def test_a_guard_keeps_apart_what_the_similarity_would_merge(new: str, stored: str, guard: str) -> None:
    verdict = decide(new, [make_candidate(stored, similarity=0.999)])
    assert (verdict.outcome, verdict.of) == (Outcome.ADDED, None)
    assert verdict.trace[0].outcome is Outcome.KEPT_APART
    assert guard in {evidence.guard for evidence in verdict.trace[0].guards}


def test_far_candidates_are_in_the_trace_as_not_mattering() -> None:
    verdict = decide("Plays the cello", [make_candidate(similarity=0.3)])
    assert [one.outcome for one in verdict.trace] == [Outcome.ADDED]


def test_the_most_similar_duplicate_is_named_and_ties_go_to_the_smaller_id() -> None:
    candidates = [
        make_candidate(number=3, similarity=0.98),
        make_candidate(number=2, similarity=0.98),
        make_candidate(number=1, similarity=0.96),
    ]
    assert decide("Is based in Leeds", candidates).of == UUID(int=2)


_CANDIDATES = st.lists(
    st.builds(
        make_candidate,
        st.sampled_from(
            [
                "Lives in Leeds",
                "Is based in Leeds",
                "Lives in York",
                "Used to live in Leeds",
                "Lives in Leeds with 2 cats",
            ]
        ),
        number=st.integers(1, 50),
        similarity=st.floats(0, 1),
    ),
    max_size=6,
    unique_by=lambda candidate: candidate.id,
)


@given(_CANDIDATES, st.randoms(use_true_random=False))
def test_the_order_of_candidates_changes_nothing(candidates: list[Candidate], random: object) -> None:
    shuffled = sorted(candidates, key=lambda candidate: hash((str(random), candidate.id)))
    assert decide("Lives in Leeds", candidates) == decide("Lives in Leeds", shuffled)
    assert decide("Lives in Leeds", candidates) == decide("Lives in Leeds", candidates[::-1])


@given(_CANDIDATES)
def test_a_duplicate_always_names_one_of_the_candidates(candidates: list[Candidate]) -> None:
    verdict = decide("Lives in Leeds", candidates)
    assert (verdict.outcome is Outcome.DUPLICATE) == (verdict.of is not None)
    assert len(verdict.trace) == len(candidates)
    assert verdict.of is None or verdict.of in {candidate.id for candidate in candidates}
