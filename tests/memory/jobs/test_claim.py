from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory.jobs.working import finish
from memory.jobs.working.claim import Claim
from memory.models import Job, JobState, Priority
from tests.make import NOW, make_conversation, make_workspace, say
from tests.memory.jobs.made import LEASE, levels_of, make_job, make_jobs, take, taken

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


def test_a_claim_takes_what_waits_of_many_users() -> None:
    workspace = make_workspace()
    for user in ("mara", "jonas"):
        make_jobs(workspace, 2, user_id=user)
    found = taken()
    assert [(job.user_id, job.attempts) for job in found.jobs] == [("mara", 1)] * 2 + [("jonas", 1)] * 2
    held = Job.objects.values_list("state", "attempts", "claim", "lease_until", "started_at").distinct().get()
    assert held == (JobState.RUNNING, 1, found.token, NOW + LEASE, NOW)


def test_a_claim_says_all_about_a_job() -> None:
    job = make_job(user_id="mara", payload={"number": 7}, priority=Priority.HIGH)
    claimed = taken().jobs[0]
    assert (claimed.id, claimed.workspace_id, claimed.user_id) == (job.pk, job.workspace_id, "mara")
    assert (claimed.kind, claimed.payload, claimed.priority) == ("test.quiet", {"number": 7}, 1)
    assert (claimed.created_at, claimed.available_at, claimed.result) == (NOW, NOW, None)


def test_the_most_urgent_come_first_and_of_those_the_oldest() -> None:
    workspace = make_workspace()
    low, normal, critical, second = (
        make_job(workspace, priority=level).pk
        for level in (Priority.LOW, Priority.NORMAL, Priority.CRITICAL, Priority.NORMAL)
    )
    assert [job.id for job in taken().jobs] == [critical, normal, second, low]


def test_what_is_not_due_yet_is_left() -> None:
    make_job(available_at=NOW + timedelta(seconds=1))
    assert take() is None
    assert take(now=NOW + timedelta(seconds=1)) is not None


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED])
def test_only_what_waits_is_claimed(state: JobState) -> None:
    job = make_job()
    Job.objects.filter(pk=job.pk).update(state=state)
    assert take() is None


def test_a_user_is_worked_for_by_one_worker_at_a_time() -> None:
    workspace = make_workspace()
    make_job(workspace, user_id="mara")
    assert take() is not None
    make_job(workspace, user_id="mara")
    other = make_job(workspace, user_id="jonas").pk
    assert [job.id for job in taken().jobs] == [other]
    assert take() is None


def test_the_same_user_id_in_another_workspace_is_another_user() -> None:
    make_job(user_id="mara")
    assert take() is not None
    make_job(user_id="mara")
    assert take() is not None


def test_a_user_whose_lease_ran_out_waits_for_the_sweeper() -> None:
    workspace = make_workspace()
    make_job(workspace, user_id="mara")
    assert take() is not None
    make_job(workspace, user_id="mara")
    # the late worker may still write: nobody else may until its token is void
    assert take(now=LATER) is None


def test_jobs_without_a_user_run_side_by_side() -> None:
    workspace = make_workspace()
    make_jobs(workspace, 3)
    assert len(taken(limit=2).jobs) == 2
    assert len(taken(limit=2).jobs) == 1


def test_a_full_claim_says_that_there_may_be_more() -> None:
    make_jobs(make_workspace(), 3)
    assert taken(limit=2).is_full
    assert not taken(limit=2).is_full


def test_a_claim_can_be_narrowed_to_some_users_or_one() -> None:
    workspace = make_workspace()
    for user in ("a", "b", "c"):
        make_jobs(workspace, 2, user_id=user)
    assert [job.user_id for job in taken(only=(workspace.pk, "b")).jobs] == ["b", "b"]
    assert [job.user_id for job in taken(users=1).jobs] == ["a", "a"]


def test_a_claim_stops_at_a_thousand_messages() -> None:
    conversation = make_conversation()
    for _ in range(3):
        say(conversation, *["word"] * 400)
    assert len(taken().jobs) == 2


def test_a_job_of_more_than_a_thousand_messages_is_claimed_alone() -> None:
    conversation = make_conversation()
    say(conversation, *["word"] * 1001)
    say(conversation, "word")
    assert len(taken().jobs) == 1


def test_a_job_that_failed_before_is_claimed_without_others_of_its_user() -> None:
    workspace = make_workspace()
    first = make_job(workspace, user_id="mara").pk
    found = taken()
    finish.fail(found.token, {first: "ValueError: no"}, now=NOW)
    make_jobs(workspace, 2, user_id="mara")
    other = make_job(workspace, user_id="jonas").pk
    assert [job.id for job in taken(now=LATER).jobs] == [first, other]


def test_a_users_jobs_of_batches_and_of_handlers_keep_their_order() -> None:
    workspace = make_workspace()
    kinds = ("test.batch", "test.batch", "test.quiet", "test.batch")
    jobs = [make_job(workspace, kind=kind, user_id="mara").pk for kind in kinds]
    for expected in (jobs[:2], jobs[2:3], jobs[3:]):
        found = taken()
        assert [job.id for job in found.jobs] == expected
        finish.succeed(found.token, dict.fromkeys(expected), now=NOW)


def test_no_more_of_a_kind_run_at_once_than_it_allows() -> None:
    workspace = make_workspace()
    make_jobs(workspace, 5, kind="test.few", priority=Priority.HIGH)
    make_job(workspace)
    found = taken()
    assert Counter(job.kind for job in found.jobs) == {"test.few": 2, "test.quiet": 1}
    assert take() is None
    done = next(job.id for job in found.jobs if job.kind == "test.few")
    finish.succeed(found.token, {done: None}, now=NOW)
    assert [job.kind for job in taken().jobs] == ["test.few"]


def test_a_backlog_of_a_kind_without_room_is_not_in_the_way_of_others() -> None:
    workspace = make_workspace()
    make_jobs(workspace, 10, kind="test.few", priority=Priority.CRITICAL)
    last = make_job(workspace, priority=Priority.BULK).pk
    assert len(taken(limit=2).jobs) == 2
    assert [job.id for job in taken(limit=2).jobs] == [last]


def test_a_fifth_of_a_claim_goes_to_the_oldest_of_the_other_levels() -> None:
    workspace = make_workspace()
    bulk = make_jobs(workspace, 3, priority=Priority.BULK)
    low = make_jobs(workspace, 3, priority=Priority.LOW)
    make_jobs(workspace, 30, priority=Priority.HIGH)
    found = taken(limit=20)
    assert Counter(levels_of(found)) == {Priority.HIGH: 16, Priority.BULK: 3, Priority.LOW: 1}
    assert {job.id for job in found.jobs if job.priority != Priority.HIGH} == {*bulk, low[0]}


def test_places_that_the_other_levels_do_not_need_go_to_the_most_urgent() -> None:
    make_jobs(make_workspace(), 30, priority=Priority.HIGH)
    assert len(taken(limit=20).jobs) == 20


@pytest.mark.parametrize("limit", [1, 20])
def test_no_level_starves_under_a_stream_of_critical_work(limit: int) -> None:
    workspace = make_workspace()
    patient = [
        make_job(workspace, priority=level).pk for level in (Priority.BULK, Priority.LOW, Priority.NORMAL) for _ in "ab"
    ]
    make_jobs(workspace, limit, priority=Priority.CRITICAL)
    served: list[object] = []
    for turn in range(1, 31):
        found = taken(limit=limit, low_first=limit == 1 and turn % 5 == 0)
        served += [job.id for job in found.jobs if job.priority != Priority.CRITICAL]
        finish.succeed(found.token, dict.fromkeys(job.id for job in found.jobs), now=NOW)
        make_jobs(workspace, limit, priority=Priority.CRITICAL)  # as many as were done: it never gets less
    assert sorted(map(str, served)) == sorted(map(str, patient))


def test_a_claim_takes_few_statements_however_many_users_it_is_for(django_assert_max_num_queries: object) -> None:
    workspace = make_workspace()
    for number in range(50):
        make_job(workspace, user_id=f"user-{number}")
    with django_assert_max_num_queries(7):  # type: ignore[operator]
        assert len(taken().jobs) == 50


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_claim_every_job_once_and_never_share_a_user() -> None:
    workspace = make_workspace()
    for number in range(120):
        make_job(workspace, user_id=f"user-{number % 12}" if number % 4 else "")
    order: dict[str, list[object]] = {}
    served: list[object] = []
    working: set[str] = set()
    guard, together = threading.Lock(), threading.Barrier(6)

    def worker() -> None:
        together.wait()
        for found in _claims(limit=7):
            users = {job.user_id for job in found.jobs if job.user_id}
            with guard:
                assert not users & working
                working.update(users)
                served.extend(job.id for job in found.jobs)
                for job in found.jobs:
                    order.setdefault(job.user_id, []).append(job.id)
            with guard:  # before the jobs end: the next claim of a user may begin right then
                working.difference_update(users)
            finish.succeed(found.token, dict.fromkeys(job.id for job in found.jobs), now=NOW)
        connection.close()

    threads = [threading.Thread(target=worker) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # a worker that found all users busy has left; what is left is for the one that comes after
    for found in _claims(limit=7):
        served.extend(job.id for job in found.jobs)
        finish.succeed(found.token, dict.fromkeys(job.id for job in found.jobs), now=NOW)
    assert len(served) == len(set(served)) == 120
    assert all(ids == sorted(ids, key=str) for user, ids in order.items() if user)


def _claims(limit: int) -> Iterator[Claim]:
    while found := take(limit=limit):
        yield found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    waiting=st.lists(st.tuples(st.sampled_from(list(Priority)), st.sampled_from(["", "a", "b"])), max_size=12),
    limit=st.integers(1, 8),
)
def test_claiming_until_nothing_is_left_serves_each_user_in_order(
    waiting: list[tuple[Priority, str]], limit: int
) -> None:
    Job.objects.all().delete()
    workspace = make_workspace()
    jobs = [make_job(workspace, priority=level, user_id=user) for level, user in waiting]
    served = []
    for found in _claims(limit):
        assert 0 < len(found.jobs) <= limit
        served += list(found.jobs)
        finish.succeed(found.token, dict.fromkeys(job.id for job in found.jobs), now=NOW)
    assert sorted(str(job.id) for job in served) == sorted(str(job.pk) for job in jobs)
    for user in ("a", "b"):
        for level in Priority:
            mine = [str(job.id) for job in served if (job.user_id, job.priority) == (user, level)]
            assert mine == sorted(mine)
