from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from memory.errors import ConflictError, NotFoundError
from memory.jobs import change
from memory.models import Job, JobState
from tests.make import NOW, make_workspace
from tests.memory.jobs.made import make_job, take, taken

pytestmark = pytest.mark.django_db
Change = Callable[..., Job]
LATER = NOW + timedelta(minutes=1)
S = JobState


def in_state(state: JobState) -> Job:
    job = make_job()
    Job.objects.filter(pk=job.pk).update(state=state, attempts=3, error="ValueError: no", finished_at=NOW)
    job.refresh_from_db()
    return job


@pytest.mark.parametrize(
    ("by", "allowed", "becomes"),
    [
        (change.cancel, {S.PENDING, S.FAILED}, S.CANCELLED),
        (change.retry, {S.DEAD, S.CANCELLED, S.FAILED}, S.PENDING),
        (change.discard, {S.DEAD}, S.CANCELLED),
    ],
)
@pytest.mark.parametrize("state", list(JobState))
def test_a_change_is_made_from_the_states_that_allow_it_only(
    by: Change, allowed: set[JobState], becomes: JobState, state: JobState
) -> None:
    job = in_state(state)
    if state in allowed:
        assert by(job, actor="ops", reason="asked to", now=LATER).state == becomes
        entry = Job.objects.get().history[-1]
        assert (entry["by"], entry["why"], entry["at"]) == ("ops", "asked to", LATER.isoformat())
    else:
        with pytest.raises(ConflictError, match=f"is {state.value}"):
            by(job, actor="ops", reason="asked to", now=LATER)
        assert (Job.objects.get().state, Job.objects.get().history) == (state, [])


def test_a_retried_job_is_due_at_once_with_all_its_attempts() -> None:
    change.retry(in_state(JobState.DEAD), actor="ops", reason="the cause is gone", now=LATER)
    again = taken(now=LATER).jobs[0]
    assert again.attempts == 1
    assert Job.objects.get().finished_at is None


def test_what_a_worker_took_meanwhile_is_not_changed() -> None:
    job = make_job()
    taken()
    with pytest.raises(ConflictError):
        change.cancel(job, actor="ops", reason="too late", now=LATER)
    assert Job.objects.get().state == JobState.RUNNING


def test_a_cancelled_job_is_not_claimed() -> None:
    change.cancel(make_job(), actor="ops", reason="not wanted", now=NOW)
    assert take(now=LATER) is None


def test_a_job_whose_key_another_has_now_can_not_be_retried() -> None:
    workspace = make_workspace()
    job = make_job(workspace, key="k")
    change.cancel(job, actor="ops", reason="not wanted", now=NOW)
    make_job(workspace, key="k")
    with pytest.raises(ConflictError, match="key"):
        change.retry(job, actor="ops", reason="wanted again", now=LATER)


def test_a_job_that_was_pruned_is_gone() -> None:
    job = make_job()
    Job.objects.all().delete()
    with pytest.raises(NotFoundError):
        change.cancel(job, actor="ops", reason="not wanted", now=NOW)
