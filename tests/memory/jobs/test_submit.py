from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from memory.errors import InvalidError
from memory.jobs import gate
from memory.jobs.submit import submit_many
from memory.models import Job, JobState, Priority
from tests.make import NOW, make_workspace
from tests.memory.jobs.made import Number, make_job, taken

pytestmark = pytest.mark.django_db


def test_a_submitted_job_is_stored_as_it_is_answered() -> None:
    job = make_job(user_id="mara", payload={"number": 7}, key="k", available_at=NOW + timedelta(minutes=1))
    stored = Job.objects.get()
    for name in ("pk", "workspace_id", "user_id", "kind", "key", "priority", "state", "payload", "available_at"):
        assert getattr(stored, name) == getattr(job, name), name
    assert (stored.created_at, stored.attempts, stored.history, stored.error) == (NOW, 0, [], "")
    assert (stored.result, stored.claim, stored.lease_until, stored.finished_at) == (None, None, None, None)


def test_a_job_has_its_kinds_priority_unless_another_is_named() -> None:
    assert make_job().priority == Priority.NORMAL
    assert make_job(priority=Priority.CRITICAL).priority == Priority.CRITICAL


def test_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(InvalidError) as refused:
        make_job(kind="nonsense")
    assert refused.value.faults[0][0] == "kind"


@pytest.mark.parametrize(
    ("payload", "field"), [({"number": "many"}, "payload.number"), ({"colour": "red"}, "payload.colour")]
)
def test_a_payload_that_does_not_fit_is_refused_by_field(payload: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        make_job(payload=payload)
    assert refused.value.faults[0][0] == field


def test_a_kind_about_a_user_needs_one() -> None:
    with pytest.raises(InvalidError) as refused:
        make_job(kind="test.batch")
    assert refused.value.faults[0][0] == "user_id"


def test_a_key_that_is_too_long_is_refused() -> None:
    with pytest.raises(InvalidError, match="key"):
        make_job(key="k" * 101)


def test_asking_for_the_same_while_it_waits_answers_the_job_that_waits() -> None:
    workspace = make_workspace()
    first = make_job(workspace, key="k", payload={"number": 1})
    assert make_job(workspace, key="k", payload={"number": 2}) == first
    others = [
        make_job(workspace, key="other"),
        make_job(workspace, key="k", user_id="mara"),
        make_job(workspace, key="k", kind="test.few"),
        make_job(key="k"),
    ]
    assert Job.objects.count() == 1 + len(others)


def test_a_key_is_free_again_when_its_job_runs() -> None:
    workspace = make_workspace()
    first = make_job(workspace, key="k")
    taken()
    assert make_job(workspace, key="k") != first


@pytest.mark.django_db(transaction=True)
def test_the_same_key_from_many_at_once_makes_one_job() -> None:
    workspace = make_workspace()
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait()
        make_job(workspace, key="k")
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Job.objects.count() == 1


def test_many_jobs_are_written_in_one_statement(django_assert_num_queries: object) -> None:
    workspace = make_workspace()
    gate.forget()
    with django_assert_num_queries(2):  # type: ignore[operator]  # with the gate's count
        ids = submit_many(
            kind="test.quiet",
            workspace_id=workspace.pk,
            user_ids=[f"user-{number}" for number in range(50)],
            payloads=[Number(number=number) for number in range(50)],
            now=NOW,
            priority=Priority.BULK,
        )
    stored = Job.objects.order_by("id").values_list("pk", "user_id", "payload", "priority", "state")
    assert list(stored) == [
        (id, f"user-{n}", {"number": n}, Priority.BULK, JobState.PENDING) for n, id in enumerate(ids)
    ]
