from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from memory import remember
from memory.jobs.kinds import Done, Work
from memory.models import Decision, JobState, Memory, Outcome, Revision, Tuning, Workspace
from memory.work.payloads import Dedupe
from memory.work.upkeep import dedupe
from tests.make import NOW, make_memory, make_providers, make_workspace
from tests.memory.work.doubles import ask, result_of, run_due

pytestmark = pytest.mark.django_db


def make_said(text: str, workspace: Workspace, days: int, **fields: Any) -> Memory:
    """A memory of what was said so many days ago."""
    return make_memory(text, workspace=workspace, valid_from=NOW - timedelta(days=days), **fields)


def states(*memories: Memory) -> list[str]:
    return [Memory.objects.get(pk=memory.pk).state for memory in memories]


def run(workspace: Workspace) -> dict[str, Any]:
    job = ask(workspace, "dedupe")
    run_due(workspace)
    result = result_of(job)
    assert job.state == JobState.SUCCEEDED, job.error
    return result


def test_memories_that_say_the_same_are_merged_into_the_oldest_and_undo_brings_them_back() -> None:
    workspace = make_workspace()
    first = make_said("Lives in the town of Leeds", workspace, 3)
    other = make_said("Is allergic to peanuts", workspace, 3)
    again = make_said("Lives in town of Leeds", workspace, 2, importance=0.9)
    third = make_said("Lives in a town of Leeds", workspace, 1)
    assert run(workspace) == {"compared": 4, "merged": 2, "superseded": 0, "review": 0}
    assert states(first, other, again, third) == ["active", "active", "merged", "merged"]
    again.refresh_from_db()
    first.refresh_from_db()
    assert (again.replaced_by, again.valid_to, first.importance) == (first, NOW, 0.9)
    decision = Decision.objects.get(other=again)
    assert (decision.outcome, decision.by, decision.memory) == ("merged", "batch", first)
    assert (decision.trace[0]["id"], decision.trace[0]["outcome"]) == (str(again.pk), "merged")
    assert "Leeds" not in str([decision.effects, decision.trace])
    remember.undo(workspace_id=workspace.pk, decision_id=decision.pk, providers=make_providers(), actor="ops", now=NOW)
    again.refresh_from_db()
    first.refresh_from_db()
    assert (again.state, again.replaced_by, again.valid_to, first.importance) == ("active", None, None, 0.5)
    assert run(workspace)["merged"] == 0, "what was parted by hand is not merged again"


def test_facts_that_differ_stay_apart_and_so_do_scopes_and_users() -> None:
    workspace = make_workspace()
    kept = [
        make_memory("Saved 500 euros for the trip", workspace=workspace),
        make_memory("Is allergic to peanuts", workspace=workspace),
        make_memory("Saved 500 euros for a trip", workspace=workspace, agent_id="coach"),
        make_memory("Saved 500 euros for trip", workspace=workspace, user_id="jonas"),
    ]
    run(workspace)
    assert set(states(*kept)) == {"active"}


def test_the_one_that_was_said_last_stays_and_each_ends_when_the_next_begins() -> None:
    workspace = make_workspace()
    rome, paris, berlin = (
        make_said(text, workspace, days)
        for text, days in (("Lives in Rome", 10), ("Lives in Paris", 30), ("Lives in Berlin", 20))
    )
    assert run(workspace)["superseded"] == 2
    rows = [Memory.objects.get(pk=memory.pk) for memory in (paris, berlin, rome)]
    assert [row.state for row in rows] == ["superseded", "superseded", "active"]
    assert [(row.replaced_by, row.valid_to) for row in rows] == [
        (berlin, berlin.valid_from),
        (rome, rome.valid_from),
        (None, None),
    ]


@pytest.mark.parametrize("own", ["pinned", "edited"])
def test_what_is_a_persons_own_is_not_retired_but_asked_about_once(own: str) -> None:
    workspace = make_workspace()
    mine = make_said("Lives in Paris", workspace, 30, pinned=own == "pinned")
    if own == "edited":
        Revision.objects.filter(memory=mine).update(cause="edited")
    newer = make_said("Lives in Berlin", workspace, 20)
    assert run(workspace) == {"compared": 2, "merged": 0, "superseded": 0, "review": 1}
    question = Decision.objects.get()
    assert (question.outcome, question.memory, question.other) == (Outcome.REVIEW, newer, mine)
    assert run(workspace)["review"] == 0
    assert states(mine, newer) == ["active", "active"]


def test_what_changes_while_it_is_compared_is_left_alone() -> None:
    workspace = make_workspace()
    first, second = (make_said(text, workspace, 1) for text in ("Lives in Leeds", "Lives in the town of Leeds"))
    work = Work(ask(workspace, "dedupe").pk, workspace.pk, "mara", Dedupe(), 1, NOW)
    done = dedupe.dedupe(work)
    assert isinstance(done, Done)
    assert done.write is not None
    remember.edit(
        workspace_id=workspace.pk,
        memory_id=second.pk,
        providers=make_providers(),
        actor="x",
        now=NOW,
        text="Lives in Hull",
    )
    done.write()
    assert states(first, second) == ["active", "active"]
    assert not Decision.objects.exists()


def test_many_memories_are_compared_in_slices_and_a_second_run_changes_nothing() -> None:
    workspace = make_workspace()
    Tuning.objects.create(workspace=workspace, number=1, terms={"dedupe": {"batch": 10}}, actor="tests")
    for dish in ("ramen", "pizza", "curry", "paella", "goulash", "tacos", "borscht", "falafel", "risotto", "pho"):
        make_memory(f"Likes {dish} a lot", workspace=workspace)
        make_memory(f"Really likes {dish}", workspace=workspace)
    assert [run(workspace)["merged"] for _ in range(2)] == [10, 0]
    assert Memory.objects.active().count() == 10
