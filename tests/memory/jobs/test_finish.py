from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction

from memory.jobs.delivery import sweep
from memory.jobs.working import finish
from memory.models import Job, JobOutput, JobState, Workspace
from tests.make import NOW, make_workspace
from tests.memory.jobs.made import LEASE, Number, make_job, make_jobs, take, taken

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
EXPIRED = NOW + LEASE


def sole() -> Job:
    return Job.objects.get()


def test_a_succeeded_job_keeps_its_result_and_lets_go_of_the_claim() -> None:
    job = make_job()
    finish.succeed(taken().token, {job.pk: {"messages": 1}}, now=NOW)
    done = sole()
    assert (done.state, done.result, done.finished_at) == (JobState.SUCCEEDED, {"messages": 1}, NOW)
    assert (done.claim, done.lease_until, done.error) == (None, None, "")


def test_many_jobs_end_in_one_statement(django_assert_num_queries: object) -> None:
    ids = make_jobs(make_workspace(), 20)
    token = taken().token
    with transaction.atomic(), django_assert_num_queries(3):  # type: ignore[operator]  # with the savepoint's two
        finish.succeed(token, dict.fromkeys(ids), now=NOW)
    assert Job.objects.filter(state=JobState.SUCCEEDED, result__isnull=True).count() == 20


def test_a_late_worker_is_fenced_and_its_effects_roll_back() -> None:
    ids = make_jobs(make_workspace(), 2)
    late = taken()
    assert sweep.sweep(attempts=5, now=EXPIRED) == 2
    fresh = taken(now=LATER)

    @transaction.atomic
    def work() -> None:
        Workspace.objects.create(name="effect")
        finish.succeed(late.token, dict.fromkeys(ids), now=LATER)

    with pytest.raises(finish.LostLeaseError):
        work()
    assert not Workspace.objects.filter(name="effect").exists()
    assert set(Job.objects.values_list("state", "claim")) == {(JobState.RUNNING, fresh.token)}


def test_jobs_end_together_or_not_at_all() -> None:
    mine, other = make_jobs(make_workspace(), 2)
    found = taken()
    Job.objects.filter(pk=other).update(claim=UUID(int=1))
    with pytest.raises(finish.LostLeaseError):
        finish.succeed(found.token, {mine: None, other: None}, now=NOW)
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.RUNNING}


def test_a_late_worker_can_neither_fail_nor_postpone_nor_go_on() -> None:
    job = make_job()
    late = taken()
    sweep.sweep(attempts=5, now=EXPIRED)
    fresh = taken(now=LATER)
    finish.fail(late.token, {job.pk: "no"}, now=LATER)
    finish.postpone(late.token, [job.pk], until=LATER, now=LATER, why="no")
    with pytest.raises(finish.LostLeaseError):
        finish.again(late.token, job.pk, payload={}, result=None, available_at=LATER, now=LATER)
    assert (sole().state, sole().claim) == (JobState.RUNNING, fresh.token)


def test_a_failed_job_waits_out_a_backoff_and_tells_why() -> None:
    job = make_job()
    finish.fail(taken().token, {job.pk: "ValueError: no\nDETAIL: what somebody said"}, now=NOW)
    failed = sole()
    assert (failed.state, failed.error, failed.attempts) == (JobState.FAILED, "ValueError: no", 1)
    assert NOW <= failed.available_at <= NOW + timedelta(seconds=2)
    assert failed.history == [{"at": NOW.isoformat(), "event": "failed", "why": "ValueError: no"}]


def test_after_the_attempts_of_its_kind_a_job_is_dead() -> None:
    job = make_job(kind="test.failing")
    for attempt in range(3):
        now = NOW + timedelta(hours=attempt)
        finish.fail(taken(now=now).token, {job.pk: "ValueError: no"}, now=now)
    dead = sole()
    assert (dead.state, dead.attempts, dead.finished_at) == (JobState.DEAD, 3, NOW + timedelta(hours=2))
    assert [entry["event"] for entry in dead.history] == ["failed", "failed", "died"]


def test_a_job_of_an_unknown_kind_has_the_attempts_of_the_settings(settings: object) -> None:
    settings.HOLDFAST_JOB_ATTEMPTS = 1  # type: ignore[attr-defined]
    job = make_job()
    Job.objects.update(kind="of-a-newer-version")
    finish.fail(taken().token, {job.pk: "InvalidError: kind"}, now=NOW)
    assert sole().state == JobState.DEAD


def test_a_job_that_goes_on_later_has_failed_in_nothing() -> None:
    job = make_job()
    finish.fail(taken().token, {job.pk: "no"}, now=NOW)
    token = taken(now=LATER).token
    at = LATER + timedelta(minutes=1)
    finish.again(token, job.pk, payload=Number(number=2), result={"done": 1}, available_at=at, now=LATER)
    waiting = sole()
    assert (waiting.state, waiting.attempts, waiting.error) == (JobState.PENDING, 0, "")
    assert (waiting.payload, waiting.result, waiting.available_at) == ({"number": 2}, {"done": 1}, at)
    assert taken(now=at).jobs[0].result == {"done": 1}


def test_a_postponed_job_has_not_been_tried() -> None:
    job = make_job()
    finish.postpone(taken().token, [job.pk], until=LATER, now=NOW, why="the breaker of this user is open")
    waiting = sole()
    assert (waiting.state, waiting.attempts, waiting.available_at) == (JobState.PENDING, 0, LATER)
    assert waiting.history[0]["why"] == "the breaker of this user is open"


@pytest.mark.parametrize("how", ["fail", "again", "sweep"])
def test_a_job_whose_key_was_taken_while_it_ran_waits_without_it(how: str) -> None:
    workspace = make_workspace()
    first = make_job(workspace, key="k")
    token = taken().token
    second = make_job(workspace, key="k")
    assert second.pk != first.pk
    if how == "fail":
        finish.fail(token, {first.pk: "no"}, now=NOW)
    elif how == "again":
        finish.again(token, first.pk, payload={}, result=None, available_at=NOW, now=NOW)
    else:
        sweep.sweep(attempts=5, now=EXPIRED)
    keys = dict(Job.objects.values_list("pk", "key"))
    assert keys == {first.pk: "", second.pk: "k"}
    assert len(taken(now=LATER).jobs) == 2


def test_backoff_grows_and_is_bounded() -> None:
    for attempt, most in ((1, 2), (2, 4), (5, 32), (20, 300), (5000, 300)):
        drawn = [finish.backoff(attempt).total_seconds() for _ in range(200)]
        assert min(drawn) >= 0
        assert most / 2 < max(drawn) <= most


def test_history_keeps_the_latest() -> None:
    job = make_job()
    for number in range(60):
        finish.remember(job, event="failed", why=str(number), now=NOW)
    assert [entry["why"] for entry in job.history] == [str(number) for number in range(10, 60)]


def test_the_sweeper_takes_back_only_what_has_expired() -> None:
    make_job()
    assert take() is not None
    assert sweep.sweep(attempts=5, now=EXPIRED - timedelta(seconds=1)) == 0
    assert sweep.sweep(attempts=5, now=EXPIRED) == 1
    swept = sole()
    assert (swept.state, swept.attempts, swept.claim) == (JobState.FAILED, 1, None)


def test_a_job_that_kills_its_workers_ends_dead() -> None:
    make_job()
    for attempt in range(2):
        now = NOW + attempt * timedelta(hours=1)
        taken(now=now)
        sweep.sweep(attempts=2, now=now + LEASE)
    assert sole().state == JobState.DEAD


def test_old_finished_jobs_are_removed_with_their_output_and_open_ones_never() -> None:
    old = {state: make_job(id=UUID(int=number << 64)).pk for number, state in enumerate(JobState, start=1)}
    for state, pk in old.items():
        ended = state not in {JobState.PENDING, JobState.RUNNING, JobState.FAILED}
        Job.objects.filter(pk=pk).update(state=state, finished_at=NOW if ended else None)
    JobOutput.objects.create(job_id=old[JobState.SUCCEEDED], number=1, body=b"")
    young = make_job()
    Job.objects.filter(pk=young.pk).update(state=JobState.SUCCEEDED, finished_at=NOW + timedelta(days=7))
    now = NOW + timedelta(days=8)
    assert sweep.prune(now=now, keep=timedelta(days=7), limit=2) == 2
    assert sweep.prune(now=now, keep=timedelta(days=7)) == 1
    left = set(Job.objects.values_list("pk", flat=True))
    assert left == {young.pk, *(old[state] for state in (JobState.PENDING, JobState.RUNNING, JobState.FAILED))}
    assert JobOutput.objects.count() == 0
