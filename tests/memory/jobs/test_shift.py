from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from flags import cohorts, snapshot
from flags.bucketing import bucket, threshold
from flags.models import CohortUnit, Flag
from memory.catalogue import BATCH_PROCESSING, CIRCUIT_BREAKERS
from memory.jobs import kinds
from memory.jobs.working import finish
from memory.jobs.working.batch_size import BatchSize
from memory.jobs.working.claim import Claimed
from memory.jobs.working.shift import Shift
from memory.models import Job, JobState
from tests.flags.make import make_flag
from tests.make import NOW, make_workspace
from tests.memory.jobs.made import LEASE, make_job, make_jobs

pytestmark = pytest.mark.django_db


@dataclass
class Batches:
    """Does batches and remembers whose; fails for some users, in their own savepoint or taking all down."""

    failing: frozenset[str] = frozenset()
    poisoned: frozenset[str] = frozenset()
    users: list[list[str]] = field(default_factory=list)

    def __call__(self, token: UUID, jobs: Sequence[Claimed], now: datetime) -> Mapping[UUID, str]:
        self.users.append([job.user_id for job in jobs])
        if {job.user_id for job in jobs} & self.poisoned:
            raise ValueError("no")
        finish.succeed(token, {job.id: None for job in jobs if job.user_id not in self.failing}, now=now)
        return {job.id: "ValueError: no" for job in jobs if job.user_id in self.failing}


def make_shift(process: Batches, *, limit: int = 100, **fields: float) -> Shift:
    times = {"length_s": 60.0, "latest_s": 60.0, "began": time.monotonic()} | fields
    return Shift(process, lambda: NOW, BatchSize(limit, 1.0, limit), LEASE, **times)


def make_batch_jobs(*users: str) -> None:
    workspace = make_workspace()
    for user in users:
        make_job(workspace, kind="test.batch", user_id=user)


@pytest.fixture(autouse=True)
def fresh_flags() -> Iterator[None]:
    snapshot.forget()
    yield
    snapshot.forget()


@pytest.fixture
def batches_are_on() -> None:
    Flag.objects.update_or_create(name=BATCH_PROCESSING.name, defaults={"percent": 100})


def states() -> dict[str, str]:
    return dict(Job.objects.values_list("user_id", "state"))


@pytest.mark.usefixtures("batches_are_on")
def test_with_the_flag_on_many_users_are_one_batch() -> None:
    make_batch_jobs("a", "b", "c", "a")
    process = Batches()
    assert make_shift(process).work() == 4
    assert process.users == [["a", "a", "b", "c"]]


def test_with_the_flag_off_each_user_is_done_alone() -> None:
    make_batch_jobs("a", "b", "a")
    process = Batches()
    make_shift(process).work()
    assert process.users == [["a", "a"], ["b"]]


@pytest.mark.usefixtures("batches_are_on")
def test_one_users_failure_is_theirs_alone() -> None:
    make_batch_jobs("a", "b", "c")
    make_shift(Batches(failing=frozenset("b"))).work()
    assert states() == {"a": JobState.SUCCEEDED, "b": JobState.FAILED, "c": JobState.SUCCEEDED}


@pytest.mark.usefixtures("batches_are_on")
def test_when_a_whole_batch_fails_each_user_is_tried_alone() -> None:
    make_batch_jobs("a", "b", "c")
    process = Batches(poisoned=frozenset("b"))
    make_shift(process).work()
    assert process.users == [["a", "b", "c"], ["a"], ["b"], ["c"]]
    assert states() == {"a": JobState.SUCCEEDED, "b": JobState.FAILED, "c": JobState.SUCCEEDED}
    assert Job.objects.get(user_id="b").error == "ValueError: no"


def test_a_shift_works_until_nothing_is_due() -> None:
    make_jobs(make_workspace(), 25)
    assert make_shift(Batches(), limit=4).work() == 25
    assert not Job.objects.exclude(state=JobState.SUCCEEDED).exists()


def test_a_shift_that_is_over_leaves_the_rest_to_the_next() -> None:
    make_jobs(make_workspace(), 25)
    assert make_shift(Batches(), limit=4, length_s=0.0).work() == 4


def test_jobs_that_would_not_end_in_time_wait_for_the_next_shift() -> None:
    make_batch_jobs("a")
    make_shift(Batches(), length_s=1.0, latest_s=2.0, began=time.monotonic() - 1.5).work()
    job = Job.objects.get()
    assert (job.state, job.attempts) == (JobState.PENDING, 0)


@pytest.mark.parametrize("share", [0, 100])
def test_a_user_whose_jobs_keep_failing_is_left_alone_and_nobody_else_notices(share: int) -> None:
    Flag.objects.update_or_create(name=BATCH_PROCESSING.name, defaults={"percent": share})
    workspace = make_workspace()
    process = Batches(failing=frozenset("b"))
    for _ in range(5):
        for user in ("a", "b"):
            make_job(workspace, kind="test.batch", user_id=user)
        make_shift(process).work()
        Job.objects.filter(state=JobState.FAILED).update(state=JobState.DEAD)
    process.users.clear()
    for user in ("a", "b"):
        make_job(workspace, kind="test.batch", user_id=user)
    make_shift(process).work()
    assert process.users == [["a"]]
    waiting = Job.objects.get(state=JobState.PENDING)
    assert (waiting.user_id, waiting.attempts) == ("b", 0)
    assert NOW < waiting.available_at <= NOW + timedelta(seconds=60)
    assert waiting.history[0]["why"] == "The breaker of this user is open."
    assert Job.objects.filter(user_id="a", state=JobState.SUCCEEDED).count() == 6


def test_a_batch_ends_before_its_lease_does() -> None:
    assert timedelta(seconds=kinds.LONGEST_S) < LEASE


def test_an_open_breaker_of_a_user_stops_nobody_while_circuit_breakers_are_off() -> None:
    make_flag(CIRCUIT_BREAKERS.name, 0, unit="service")
    workspace = make_workspace()
    process = Batches(failing=frozenset("b"))
    for _ in range(7):
        make_job(workspace, kind="test.batch", user_id="b")
        make_shift(process).work()
        Job.objects.filter(state=JobState.FAILED).update(state=JobState.DEAD)
    assert process.users == [["b"]] * 7


def test_each_users_part_of_the_work_is_in_the_cohort_that_the_user_was_in() -> None:
    half = make_flag(BATCH_PROCESSING.name, 50, salt="half")
    users = [f"user-{number}" for number in range(8)]
    inside = {user for user in users if bucket(half.salt, user) < threshold(Decimal(50))}
    assert 0 < len(inside) < 8
    make_batch_jobs(*users, *users)
    failing = min(inside)
    make_shift(Batches(failing=frozenset({failing}))).work()
    assert cohorts.flush()
    cohorts.Collector().tick(int(time.time()))
    measured = CohortUnit.objects.filter(flag=half).values_list("unit", "is_exposed", "errors")
    assert sorted(measured) == [(user, user in inside, int(user == failing)) for user in users]
