from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from memory.jobs import gate, output
from memory.models import Job, JobOutput, JobState, Priority, Scope
from tests.memory.api.conftest import Api
from tests.memory.jobs.made import make_job
from tests.memory.work.doubles import run_due

QUIET = {"kind": "test.quiet"}


def test_a_submitted_job_is_answered_and_found(api: Api) -> None:
    body = QUIET | {"user_id": "mara", "payload": {"number": 7}, "priority": "high", "key": "k"}
    status, job = api.post("jobs", body)
    assert status == 202
    assert (job["kind"], job["user_id"], job["state"], job["priority"]) == ("test.quiet", "mara", "pending", "high")
    assert (job["attempts"], job["error"], job["result"], job["history"]) == (0, None, None, [])
    assert api.get(f"jobs/{job['id']}") == (200, job)
    assert Job.objects.get().payload == {"number": 7}
    assert api.post("jobs", body)[1]["id"] == job["id"]


def test_jobs_of_an_erased_user_are_still_listed_without_what_they_held(make_api: Callable[..., Api]) -> None:
    api = make_api(scope=Scope.ADMIN)
    _, job = api.post("jobs", {"kind": "noop", "user_id": "mara", "key": "k"})
    Job.objects.update(available_at=timezone.now() + timedelta(hours=1))
    api.post("jobs", {"kind": "erase_user", "user_id": "mara", "payload": {"reason": "Asked by mail"}})
    run_due(api.workspace, now=timezone.now())
    status, page = api.get(f"jobs/{job['id']}")
    assert (status, page["state"], [entry["why"] for entry in page["history"]]) == (200, "cancelled", ["Asked by mail"])


@pytest.mark.parametrize(("priority", "name"), [(0, "critical"), (4, "bulk"), ("LOW", "low"), ("3", "low")])
def test_a_priority_is_a_name_or_a_number(api: Api, priority: object, name: str) -> None:
    assert api.post("jobs", QUIET | {"priority": priority})[1]["priority"] == name


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "nonsense"}, "kind"),
        ({"kind": ""}, "kind"),
        ({}, "kind"),
        (QUIET | {"payload": {"number": "many"}}, "payload.number"),
        (QUIET | {"payload": {"colour": "red"}}, "payload.colour"),
        (QUIET | {"payload": {"colour\x00": 1}}, "payload"),
        (QUIET | {"payload": 7}, "payload"),
        (QUIET | {"priority": 5}, "priority"),
        (QUIET | {"priority": -1}, "priority"),
        (QUIET | {"priority": "soon"}, "priority"),
        (QUIET | {"priority": True}, "priority"),
        (QUIET | {"priority": 1.5}, "priority"),
        (QUIET | {"key": "k" * 101}, "key"),
        (QUIET | {"colour": "red"}, "colour"),
    ],
)
def test_what_does_not_fit_is_refused_by_field(api: Api, body: dict[str, Any], field: str) -> None:
    status, problem = api.post("jobs", body)
    assert status == 422
    assert [fault["field"] for fault in problem["errors"]] == [field]
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("scope", "kind", "expected"),
    [
        (Scope.READ, "test.quiet", 403),
        (Scope.WRITE, "test.quiet", 202),
        (Scope.WRITE, "test.slices", 403),
        (Scope.ADMIN, "test.slices", 202),
        (Scope.ADMIN, "test.few", 403),  # Holdfast's own
    ],
)
def test_a_kind_needs_its_scope(make_api: Callable[..., Api], scope: Scope, kind: str, expected: int) -> None:
    assert make_api(scope=scope).post("jobs", {"kind": kind})[0] == expected


def test_a_full_queue_answers_503_and_when_to_ask_again(api: Api, settings: Any) -> None:
    settings.HOLDFAST_QUEUE_LIMIT = 1
    make_job(api.workspace)
    gate.forget()
    body = json.dumps(QUIET | {"priority": "bulk"})
    headers = {"Authorization": f"Bearer {api.key}"}
    refused = Client().post("/api/v1/jobs", body, content_type="application/json", headers=headers)
    assert (refused.status_code, refused["Retry-After"]) == (503, "60")
    assert api.post("jobs", QUIET | {"priority": "critical"})[0] == 202
    gate.forget()


def test_jobs_are_listed_by_state_kind_priority_and_user(api: Api) -> None:
    wanted = make_job(api.workspace, user_id="mara", priority=Priority.LOW)
    make_job(api.workspace, kind="test.few")
    make_job()  # somebody else's
    assert len(api.get("jobs")[1]["items"]) == 2
    for query in ("kind=test.quiet", "priority=low", "priority=3", "user_id=mara", "state=pending&user_id=mara"):
        assert [item["id"] for item in api.get(f"jobs?{query}")[1]["items"]] == [str(wanted.pk)], query
    assert api.get("jobs?state=dead")[1]["items"] == []
    assert api.get("jobs?priority=soon")[0] == 422


def test_dead_letters_are_listed_cancelled_jobs_are_not(api: Api) -> None:
    dead, other = make_job(api.workspace), make_job(api.workspace)
    Job.objects.filter(pk=dead.pk).update(state=JobState.DEAD, error="ValueError: no")
    Job.objects.filter(pk=other.pk).update(state=JobState.CANCELLED)
    items = api.get("jobs/dead")[1]["items"]
    assert [(item["id"], item["error"]) for item in items] == [(str(dead.pk), "ValueError: no")]


def test_a_job_is_cancelled_and_retried_with_the_keys_name_in_its_history(api: Api) -> None:
    job = make_job(api.workspace)
    status, cancelled = api.post(f"jobs/{job.pk}/cancel", {"reason": "not wanted"})
    assert (status, cancelled["state"]) == (200, "cancelled")
    assert api.post(f"jobs/{job.pk}/cancel", {})[0] == 409
    status, retried = api.post(f"jobs/{job.pk}/retry", None)
    assert (status, retried["state"]) == (200, "pending")
    assert [(event["event"], event["by"], event["why"]) for event in retried["history"]] == [
        ("cancelled", "tests", "not wanted"),
        ("retried", "tests", ""),
    ]


def test_a_job_of_another_workspace_is_not_there(api: Api) -> None:
    foreign = make_job().pk
    assert api.get(f"jobs/{foreign}")[0] == 404
    for action in ("cancel", "retry"):
        assert api.post(f"jobs/{foreign}/{action}", {})[0] == 404
    assert api.get(f"jobs/{foreign}/output")[0] == 404
    assert api.get(f"jobs/{uuid.uuid4()}")[0] == 404


def test_a_key_that_may_only_read_changes_nothing(make_api: Callable[..., Api]) -> None:
    api = make_api(scope=Scope.READ)
    job = make_job(api.workspace)
    assert api.post(f"jobs/{job.pk}/cancel", {})[0] == 403
    assert Job.objects.get().state == JobState.PENDING


def test_the_stats_name_every_level(api: Api) -> None:
    make_job(api.workspace, priority=Priority.LOW)
    status, stats = api.get("jobs/stats")
    assert status == 200
    assert [level["name"] for level in stats["levels"]] == ["critical", "high", "normal", "low", "bulk"]
    assert stats["levels"][3]["depth"] == 1


def test_an_output_is_streamed_as_json_lines_however_it_is_packed(api: Api) -> None:
    job = make_job(api.workspace)
    output.write(job.pk, 1, [{"text": "café"}, {"text": "b"}])
    JobOutput.objects.create(job_id=job.pk, number=2, body=zlib.compress(b'{"text":"c"}\n'))
    path, headers = f"/api/v1/jobs/{job.pk}/output", {"Authorization": f"Bearer {api.key}"}
    assert Client().get(path, headers=headers).status_code == 404  # not done yet
    Job.objects.update(state=JobState.SUCCEEDED)
    answer = Client().get(path, headers=headers)
    lines = answer.getvalue().splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["café", "b", "c"]
    assert answer["Content-Type"] == "application/jsonl"


def test_an_output_needs_the_scope_that_its_kind_needs(api: Api) -> None:
    job = make_job(api.workspace, kind="test.slices")
    output.write(job.pk, 1, [{"text": "secret"}])
    Job.objects.update(state=JobState.SUCCEEDED)
    assert api.get(f"jobs/{job.pk}/output")[0] == 403


def test_the_kinds_are_listed_with_the_schema_of_what_they_are_given(api: Api) -> None:
    _, answer = api.get("jobs/kinds")
    kinds = {kind["name"]: kind for kind in answer["items"]}
    assert "reread" not in kinds, "only Holdfast itself submits it"
    assert kinds["erase_user"]["scope"] == "admin"
    assert kinds["drill"]["payload"]["properties"]["sleep_ms"]["maximum"] == 20_000
    assert kinds["warm_cache"]["needs_user"] is False
