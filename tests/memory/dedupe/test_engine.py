"""Facts in, memories and decisions out: whatever the order, and again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.dedupe.stored.candidates import Owner, Vectors
from memory.models import Cause, Decision, Memory, Outcome, Revision, Workspace
from memory.remember import Remembered, Statement, keep_apart, remember, undo
from memory.tuning import Terms
from tests.make import NOW, make_memory, make_providers, make_workspace

pytestmark = pytest.mark.django_db

few = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
_users = count()


def make_statement(text: str, day: float = 0, **fields: Any) -> Statement:
    defaults: dict[str, Any] = {"kind": "other", "importance": 0.5, "cause": Cause.EXTRACTED, "actor": "tests"}
    return Statement(text=text, valid_from=NOW + timedelta(days=day), **defaults | fields)


def learn(workspace: Workspace, *statements: Statement, user_id: str = "mara") -> list[Remembered]:
    embedded = make_providers().embed([one.text for one in statements])
    vectors = Vectors(embedded.rows, embedded.model)
    owner = Owner(workspace.pk, user_id)
    return remember(owner=owner, statements=statements, vectors=vectors, terms=lambda _: Terms(), now=NOW)


def learn_in(batches: Sequence[Sequence[Statement]]) -> list[Memory]:
    """The memories of a new user who is told these, batch by batch."""
    workspace, user_id = make_workspace(), f"user-{next(_users)}"
    for batch in batches:
        learn(workspace, *batch, user_id=user_id)
    return list(Memory.objects.of(workspace.pk, user_id).order_by("valid_from", "text"))


FACTS = {  # what is said, by the fact that it tells
    "Likes ramen a lot": "ramen", "Really likes ramen": "ramen", "Is allergic to peanuts": "peanuts",
    "Has a peanut allergy": "peanuts", "Works as a nurse": "nurse", "Is a nurse": "nurse", "Plays the cello": "cello",
}  # fmt: skip


@few
@given(st.permutations(list(FACTS)), st.integers(1, 7))
def test_which_facts_are_active_does_not_depend_on_the_order_or_on_the_batches(said: list[str], size: int) -> None:
    batches = [said[start : start + size] for start in range(0, len(said), size)]
    memories = learn_in([[make_statement(text) for text in batch] for batch in batches])
    active = [FACTS[memory.text] for memory in memories if memory.state == "active"]
    assert sorted(active) == sorted(set(FACTS.values()))


@few
@given(st.permutations([("Rome", 0), ("Paris", 10), ("Berlin", 20), ("Oslo", 30)]), st.booleans())
def test_where_somebody_lives_is_what_was_said_last_whenever_it_is_told(
    said: list[tuple[str, int]], at_once: bool
) -> None:
    statements = [make_statement(f"Lives in {town}", day, kind="place") for town, day in said]
    memories = learn_in([statements] if at_once else [[one] for one in statements])
    assert [(memory.text, memory.state) for memory in memories] == [
        ("Lives in Rome", "superseded"),
        ("Lives in Paris", "superseded"),
        ("Lives in Berlin", "superseded"),
        ("Lives in Oslo", "active"),
    ]
    for memory in memories[:3]:
        assert memory.valid_from < memory.valid_to <= memories[3].valid_from  # type: ignore[operator]


def test_the_richer_text_stays_with_the_higher_importance_and_undo_brings_back_what_was() -> None:
    workspace = make_workspace()
    poor = learn(workspace, make_statement("Has a dog", importance=0.9))[0].memory_id
    rich = learn(workspace, make_statement("Has a dog named Rex"))[0]
    assert rich.outcome == Outcome.MERGED
    before = Memory.objects.get(pk=poor)
    assert (before.state, before.replaced_by_id, before.valid_to) == ("merged", rich.memory_id, NOW)
    assert Memory.objects.get(pk=rich.memory_id).importance == 0.9
    decision = Decision.objects.get(outcome="merged")
    assert (decision.memory_id, decision.other_id) == (rich.memory_id, poor)
    assert decision.effects == [
        {
            "id": str(poor),
            "before": {"state": "active", "replaced_by": None, "valid_to": None, "version": 1},
            "after": {
                "state": "merged", "replaced_by": str(rich.memory_id), "valid_to": NOW.isoformat(), "version": 1,
            },
        }
    ]  # fmt: skip
    undo(workspace_id=workspace.pk, decision_id=decision.pk, providers=make_providers(), actor="ops", now=NOW)
    assert set(Memory.objects.active().values_list("pk", flat=True)) == {poor, rich.memory_id}


def test_a_late_fact_can_be_brought_back_like_any_other() -> None:
    workspace = make_workspace()
    learn(workspace, make_statement("Lives in Berlin", 10, kind="place"))
    late = learn(workspace, make_statement("Lives in Paris", 0, kind="place"))[0]
    memory = Memory.objects.get(pk=late.memory_id)
    assert (late.outcome, memory.state, memory.valid_to) == ("superseded", "superseded", NOW + timedelta(days=10))
    decision = Decision.objects.get(outcome="superseded")
    assert (decision.memory_id, decision.other_id) == (memory.replaced_by_id, memory.pk)
    undo(workspace_id=workspace.pk, decision_id=decision.pk, providers=make_providers(), actor="ops", now=NOW)
    memory.refresh_from_db()
    assert (memory.state, memory.replaced_by, memory.valid_to) == ("active", None, None)


@pytest.mark.parametrize("own", ["pinned", "edited"])
def test_what_is_a_persons_own_waits_for_review_beside_the_new_fact(own: str) -> None:
    workspace = make_workspace()
    mine = make_memory(
        "Lives in Paris", workspace=workspace, kind="place", valid_from=NOW - timedelta(days=1), pinned=own == "pinned"
    )
    if own == "edited":
        Revision.objects.filter(memory=mine).update(cause="edited", actor="ops")
    answer = learn(workspace, make_statement("Lives in Berlin", kind="place"))[0]
    question = Decision.objects.get()
    assert (answer.outcome, question.memory_id, question.other_id) == ("review", answer.memory_id, mine.pk)
    assert (question.effects, Memory.objects.active().count()) == ([], 2)


def test_two_values_that_a_person_keeps_apart_are_not_asked_about_again_when_one_is_repeated() -> None:
    workspace = make_workspace()
    both = [make_memory(text, workspace=workspace) for text in ("Has a dog", "Has a dog named Rex")]
    keep_apart(workspace_id=workspace.pk, memory_ids=[memory.pk for memory in both], actor="ops", now=NOW)
    richest = learn(workspace, make_statement("Has a brown dog named Rex"))[0]
    assert richest.outcome == Outcome.MERGED
    assert Memory.objects.filter(state="merged").count() == 1


def test_a_new_value_is_found_among_hundreds_though_it_shares_no_word() -> None:
    workspace = make_workspace()
    make_memory("Lives in Paris", workspace=workspace, kind="place", valid_from=NOW)
    rows = [
        Memory(
            workspace=workspace, user_id="mara", text=f"Is in the town of Berlin {n}", text_hash=str(n), kind="habit"
        )
        for n in range(400)
    ]
    Memory.objects.bulk_create(rows)
    assert learn(workspace, make_statement("Moved to Berlin", 1, kind="place"))[0].outcome == Outcome.SUPERSEDED
    assert Memory.objects.get(state="superseded").text == "Lives in Paris"
