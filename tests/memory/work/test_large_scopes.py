from __future__ import annotations

import pytest

from memory.models import Job, JobState, Memory, State, Tally, Workspace
from memory.work.upkeep import large_scopes
from tests.make import NOW, make_memory, make_workspace
from tests.memory.work.doubles import result_of, run_due

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ten_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LARGE": 10, "SMALL": 6, "SLICE": 4, "LAST": 1}.items():
        monkeypatch.setattr(large_scopes, name, value)


@pytest.fixture
def workspace() -> Workspace:
    made = make_workspace()
    for number in range(11):
        make_memory(f"Keeps {number} boats", made)
        make_memory(f"Keeps {number} boats", made, user_id="jonas", state=State.MERGED)
    return made


def marked(user_id: str = "mara") -> int:
    return Memory.objects.filter(user_id=user_id, in_large_scope=True).count()


def run(workspace: Workspace) -> Job:
    assert large_scopes.order(now=NOW) == 1
    run_due(workspace)
    job = Job.objects.get(kind="index_scope", state=JobState.SUCCEEDED)
    job_id = job.pk
    assert large_scopes.order(now=NOW) == 0
    return Job.objects.get(pk=job_id)


def test_a_scope_that_has_become_large_is_marked_slice_by_slice_and_then_used(workspace: Workspace) -> None:
    make_memory("Was merged away", workspace, state=State.MERGED)
    job = run(workspace)
    assert result_of(job) == {"rows": 12, "is_large": True}
    assert Tally.objects.get(user_id="mara").is_large
    assert (marked(), marked("jonas")) == (12, 0)


def test_asking_twice_makes_one_job(workspace: Workspace) -> None:
    large_scopes.order(now=NOW)
    large_scopes.order(now=NOW)
    assert Job.objects.filter(kind="index_scope").count() == 1


def test_what_is_added_while_a_scope_is_marked_is_in_the_index_when_search_uses_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = large_scopes._finish

    def added_before(work: object) -> None:
        make_memory("Came late", workspace)
        finish(work)  # type: ignore[arg-type]
        make_memory("Came later", workspace)

    monkeypatch.setattr(large_scopes, "_finish", added_before)
    run(workspace)
    assert marked() == Memory.objects.filter(user_id="mara").count() == 13


def test_a_scope_that_has_shrunk_leaves_the_index_after_search_has_left_it(workspace: Workspace) -> None:
    run(workspace)
    Memory.objects.filter(user_id="mara", pk__gt=Memory.objects.filter(user_id="mara").order_by("pk")[6].pk).delete()
    assert large_scopes.order(now=NOW) == 0  # between both bounds it stays as it is
    Memory.objects.filter(user_id="mara").order_by("pk")[0].delete()
    Memory.objects.filter(user_id="mara").order_by("pk")[0].delete()
    Job.objects.all().delete()
    assert result_of(run(workspace)) == {"rows": 5, "is_large": False}
    assert (marked(), Tally.objects.get(user_id="mara").is_large) == (0, False)
