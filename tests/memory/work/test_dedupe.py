from __future__ import annotations

import pytest

from memory.models import Decision, JobState, Memory
from memory.work.upkeep import dedupe
from tests.make import NOW, make_memory, make_workspace
from tests.memory.work.doubles import ask, result_of, run_due

pytestmark = pytest.mark.django_db


def states(*memories: Memory) -> list[str]:
    return [Memory.objects.get(pk=memory.pk).state for memory in memories]


def test_memories_that_say_the_same_are_merged_into_the_oldest_with_a_decision() -> None:
    workspace = make_workspace()
    first = make_memory("Lives in the town of Leeds", workspace=workspace)
    other = make_memory("Is allergic to peanuts", workspace=workspace)
    again = make_memory("Lives in town of Leeds", workspace=workspace)
    third = make_memory("Lives in a town of Leeds", workspace=workspace)
    job = ask(workspace, "dedupe")
    run_due(workspace)
    job.refresh_from_db()
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"compared": 4, "merged": 2})
    assert states(first, other, again, third) == ["active", "active", "merged", "merged"]
    again.refresh_from_db()
    assert (again.replaced_by, again.valid_to) == (first, NOW)
    decision = Decision.objects.order_by("id").first()
    assert decision is not None
    assert (decision.outcome, decision.memory, decision.text) == ("duplicate", first, "Lives in town of Leeds")
    assert decision.thresholds["merged"] == str(again.pk)
    assert decision.trace[0]["id"] == str(first.pk)


def test_facts_that_a_guard_keeps_apart_stay_apart_and_so_do_scopes_models_and_users() -> None:
    workspace = make_workspace()
    kept = [
        make_memory("Saved 500 euros for the trip", workspace=workspace),
        make_memory("Saved 5000 euros for the trip", workspace=workspace),
        make_memory("Saved 500 euros for a trip", workspace=workspace, agent_id="coach"),
        make_memory("Saved 500 euros for that trip", workspace=workspace, embedding_model="other"),
        make_memory("Saved 500 euros for trip", workspace=workspace, user_id="jonas"),
    ]
    ask(workspace, "dedupe")
    run_due(workspace)
    assert set(states(*kept)) == {"active"}


def test_a_pinned_memory_is_not_merged_away() -> None:
    workspace = make_workspace()
    kept = [
        make_memory("Lives in the town of Leeds", workspace=workspace),
        make_memory("Lives in town of Leeds", workspace=workspace, pinned=True),
    ]
    ask(workspace, "dedupe")
    run_due(workspace)
    assert set(states(*kept)) == {"active"}


def test_many_memories_are_compared_in_slices_and_a_second_run_merges_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dedupe, "SLICE", 10)
    workspace = make_workspace()
    for number in range(12):
        make_memory(f"Keeps {number + 2} maps in Leeds", workspace=workspace)
        make_memory(f"Keeps the {number + 2} maps in Leeds", workspace=workspace)
    for merged in (12, 0):
        job = ask(workspace, "dedupe")
        run_due(workspace)
        job.refresh_from_db()
        assert result_of(job)["merged"] == merged
    assert Memory.objects.active().count() == 12
