"""Possible duplicates that wait: the model decides what it may, and leaves the rest to people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from memory import remember
from memory.jobs.kinds import Again, Work
from memory.jobs.submit import submit
from memory.models import Decision, Job, JobState, Memory, Outcome, Revision, State, Workspace
from memory.providers import configured
from memory.providers.simulator import Simulator
from memory.work.payloads import JudgeReviews
from memory.work.upkeep import judge as judging
from tests.make import NOW, make_memory, make_providers, make_workspace
from tests.memory.work.doubles import ask, result_of, run_due

pytestmark = pytest.mark.django_db


@pytest.fixture
def simulator(settings: Settings) -> Iterator[Simulator]:
    """A chat model that judges."""
    with Simulator(seed=1) as simulator:
        settings.HOLDFAST_CHAT_PROFILE, settings.HOLDFAST_CHAT_URL = "compatible", simulator.api_url
        settings.HOLDFAST_CHAT_MODEL, settings.HOLDFAST_JUDGE = "sim", "chat"
        configured.reset()
        yield simulator
    configured.reset()


def make_question(workspace: Workspace, older: str, newer: str, **fields: Any) -> Decision:
    """A decision that waits about two memories, the older one said a day before."""
    before = make_memory(older, workspace, valid_from=NOW - timedelta(days=1), **fields)
    after = make_memory(newer, workspace, valid_from=NOW)
    return Decision.objects.create(
        workspace=workspace, user_id="mara", outcome=Outcome.REVIEW, memory=after, other=before, text=newer
    )


def states(decision: Decision) -> list[str]:
    """Of the older memory, then of the newer one."""
    rows = Memory.objects.filter(text__in=TEXTS[decision.text]).order_by("valid_from")
    return [str(row.state) for row in rows]


TEXTS = {
    "Lives in Rome": ["Lives in Leeds", "Lives in Rome"],
    "Has a cat named Misha": ["Has a cat", "Has a cat named Misha"],
    "Plays the cello": ["Collects old radios", "Plays the cello"],
    "Rent is 950": ["Rent is 900", "Rent is 950"],
}


def test_each_pair_is_resolved_as_the_model_says(simulator: Simulator) -> None:
    workspace = make_workspace()
    questions = [make_question(workspace, *TEXTS[newer]) for newer in TEXTS]
    job = ask(workspace, "judge")
    assert run_due(workspace) == ["judge"]
    moved, richer, apart, rent = questions
    assert states(moved) == states(rent) == [State.SUPERSEDED, State.ACTIVE]
    assert states(richer) == [State.MERGED, State.ACTIVE]
    assert states(apart) == [State.ACTIVE, State.ACTIVE]
    assert result_of(job) == {"conflict": 2, "richer": 1, "apart": 1}
    moved.refresh_from_db()
    assert (moved.resolution, moved.resolved_by) == (Outcome.SUPERSEDED, "model:sim")
    assert moved.reason
    assert not Decision.objects.waiting().exists()
    remember.undo(workspace_id=workspace.pk, decision_id=moved.pk, providers=make_providers(), actor="ana", now=NOW)
    assert states(moved) == [State.ACTIVE, State.ACTIVE]


def test_what_is_pinned_or_a_persons_own_words_is_left_to_people(simulator: Simulator) -> None:
    workspace = make_workspace()
    pinned = make_question(workspace, *TEXTS["Lives in Rome"], pinned=True)
    edited = make_question(workspace, *TEXTS["Rent is 950"])
    Revision.objects.filter(memory=edited.other).update(cause="edited", actor="ana")
    job = ask(workspace, "judge")
    run_due(workspace)
    assert simulator.requests == []
    assert states(pinned) == states(edited) == [State.ACTIVE, State.ACTIVE]
    assert Decision.objects.waiting().count() == 2
    assert result_of(job) == {}


def test_a_question_that_a_person_put_back_is_a_persons(simulator: Simulator) -> None:
    workspace = make_workspace()
    question = make_question(workspace, *TEXTS["Lives in Rome"])
    Decision.objects.filter(pk=question.pk).update(undone_by="ana")
    ask(workspace, "judge")
    run_due(workspace)
    assert simulator.requests == []
    assert Decision.objects.waiting().count() == 1


def test_while_the_model_is_away_the_job_waits_and_people_can_decide(simulator: Simulator) -> None:
    workspace = make_workspace()
    question = make_question(workspace, *TEXTS["Lives in Rome"])
    job = ask(workspace, "judge")
    simulator.set(error_rate=1.0)
    run_due(workspace, most=1)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.PENDING, 0)
    assert "waits_for" in result_of(job)
    assert Decision.objects.waiting().get() == question
    simulator.set(error_rate=0.0)
    configured.reset()
    run_due(workspace, now=NOW + timedelta(minutes=6))
    assert states(question) == [State.SUPERSEDED, State.ACTIVE]
    assert result_of(job) == {"conflict": 1}


def test_what_changed_while_the_model_thought_is_not_decided(simulator: Simulator) -> None:
    workspace = make_workspace()
    question = make_question(workspace, *TEXTS["Lives in Rome"])
    job = ask(workspace, "judge")
    done = judging.judge(judging_work(job))
    Memory.objects.filter(text="Lives in Leeds").update(version=2)
    done.write()
    assert states(question) == [State.ACTIVE, State.ACTIVE]
    assert Decision.objects.waiting().count() == 1


def test_many_pairs_are_asked_slice_by_slice(simulator: Simulator) -> None:
    workspace = make_workspace()
    for number in range(judging.SLICE + 1):
        make_question(workspace, f"Rent of flat {number} is 900", f"Rent of flat {number} is 950")
    job = ask(workspace, "judge")
    assert isinstance(judging.judge(judging_work(job)), Again)
    run_due(workspace)
    assert result_of(job) == {"conflict": judging.SLICE + 1}
    assert not Decision.objects.waiting().exists()


def test_one_job_waits_for_a_user_and_none_without_a_judge(simulator: Simulator, settings: Settings) -> None:
    workspace = make_workspace()
    for _ in range(2):
        judging.order([(workspace.pk, "mara"), (workspace.pk, "mara"), (workspace.pk, "ben")], now=NOW)
    assert sorted(Job.objects.values_list("user_id", flat=True)) == ["ben", "mara"]
    settings.HOLDFAST_JUDGE = "off"
    configured.reset()
    judging.order([(workspace.pk, "zoe")], now=NOW)
    assert Job.objects.count() == 2
    job = submit(kind="judge", workspace_id=workspace.pk, user_id="zoe", payload={}, now=NOW)
    assert judging.judge(judging_work(job)).result == {}


def judging_work(job: Job) -> Any:
    """One run of the job, as its handler sees it."""
    return Work(job.pk, job.workspace_id, job.user_id, JudgeReviews.model_validate(job.payload), 1, NOW)
