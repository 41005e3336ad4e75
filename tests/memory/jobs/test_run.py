from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection

from memory.jobs.delivery import sweep
from memory.jobs.working.run import JobTimeoutError, run, time_limit
from memory.models import Job, JobState, Workspace
from tests.make import NOW, make_workspace
from tests.memory.jobs.made import LEASE, make_job, make_jobs, taken

pytestmark = pytest.mark.django_db


def clock() -> datetime:
    return NOW


def run_all(now: datetime = NOW) -> None:
    found = taken(now=now)
    run(found.token, found.jobs, clock=lambda: now)


def states() -> dict[str, str]:
    return dict(Job.objects.values_list("kind", "state"))


def test_a_handler_is_given_its_payload_and_its_result_is_kept() -> None:
    make_job(payload={"number": 7})
    run_all()
    job = Job.objects.get()
    assert (job.state, job.result, job.finished_at) == (JobState.SUCCEEDED, {"number": 7}, NOW)


def test_effects_and_end_of_a_job_are_one_commit() -> None:
    make_job(kind="test.writing", payload={"number": 1})
    run_all()
    assert Workspace.objects.filter(name="written-1").exists()
    assert Job.objects.get().result == {"written": True}


def test_a_job_whose_lease_was_lost_has_no_effect() -> None:
    make_job(kind="test.writing", payload={"number": 1})
    late = taken()
    sweep.sweep(attempts=5, now=NOW + LEASE)
    run(late.token, late.jobs, clock=clock)
    assert not Workspace.objects.filter(name="written-1").exists()
    assert Job.objects.get().state == JobState.FAILED


def test_one_that_fails_fails_alone() -> None:
    workspace = make_workspace()
    for kind in ("test.quiet", "test.failing", "test.writing"):
        make_job(workspace, kind=kind)
    run_all()
    expected = [JobState.SUCCEEDED, JobState.FAILED, JobState.SUCCEEDED]
    assert states() == dict(zip(("test.quiet", "test.failing", "test.writing"), expected, strict=True))
    # the first line only: the second may quote what somebody said
    assert Job.objects.get(kind="test.failing").error == "ValueError: no"


def test_a_sliced_job_goes_on_where_it_was_and_each_slice_is_one_commit() -> None:
    make_job(kind="test.slices", payload={"number": 3})
    for minute in range(3):
        assert Job.objects.get().state == JobState.PENDING
        run_all(NOW + timedelta(minutes=minute))
    job = Job.objects.get()
    assert (job.state, job.result, job.attempts) == (JobState.SUCCEEDED, {"done": 3}, 1)
    assert Workspace.objects.filter(name__startswith="slice-").count() == 2


def test_a_job_of_a_kind_that_is_not_known_fails_and_says_so() -> None:
    make_job()
    Job.objects.update(kind="of-a-newer-version")
    run_all()
    assert "of-a-newer-version" in Job.objects.get().error


def test_a_run_that_takes_too_long_is_stopped() -> None:
    make_job(kind="test.slow")
    run_all()
    job = Job.objects.get()
    assert (job.state, job.error) == (JobState.FAILED, "JobTimeoutError: took longer than its kind may")


@pytest.mark.django_db(transaction=True)
def test_a_run_that_waits_for_the_database_is_stopped_and_the_connection_still_serves() -> None:
    workspace = make_workspace()
    make_job(workspace, kind="test.slow-query")
    make_job(workspace)
    run_all()
    assert states() == {"test.slow-query": JobState.FAILED, "test.quiet": JobState.SUCCEEDED}


def test_a_time_limit_that_was_kept_leaves_nothing_behind() -> None:
    with time_limit(0.05):
        pass
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.1)")


def test_a_time_limit_raises() -> None:
    with pytest.raises(JobTimeoutError), time_limit(0.01):
        for _ in iter(int, 1):
            pass


def test_many_jobs_without_effects_end_together(django_assert_max_num_queries: object) -> None:
    make_jobs(make_workspace(), 50)
    found = taken()
    with django_assert_max_num_queries(6):  # type: ignore[operator]
        run(found.token, found.jobs, clock=clock)
    assert Job.objects.filter(state=JobState.SUCCEEDED).count() == 50


def test_one_lost_lease_does_not_take_the_others_with_it() -> None:
    lost, *kept = make_jobs(make_workspace(), 3)
    found = taken()
    Job.objects.filter(pk=lost).update(claim=None, state=JobState.PENDING)
    run(found.token, found.jobs, clock=clock)
    assert set(Job.objects.filter(state=JobState.SUCCEEDED).values_list("pk", flat=True)) == set(kept)


def test_jobs_for_which_there_is_no_time_wait_again_untried() -> None:
    make_jobs(make_workspace(), 3)
    found = taken()
    room: Iterator[bool] = iter([True, False, False])
    run(found.token, found.jobs, clock=clock, fits=lambda seconds: next(room))
    left = Job.objects.filter(state=JobState.PENDING).values_list("attempts", "history")
    assert list(left) == [(0, []), (0, [])]
