from __future__ import annotations

import re

import pytest
from django.apps import apps

from memory.errors import InvalidError
from memory.jobs.kinds import all_kinds, kind_of
from memory.jobs.submit import submit
from memory.models import Job, JobState, Scope
from tests.make import NOW, make_workspace
from tests.memory.work.doubles import ask, run_due

pytestmark = pytest.mark.django_db
KINDS = {
    "dedupe", "drill", "enlarge_index", "erase_user", "export", "fold_window", "generate_response", "import_messages",
    "index_messages",
    "index_scope", "noop", "process_messages", "process_text", "reembed", "refresh_summary", "reread", "warm_cache",
}  # fmt: skip


def test_all_kinds_are_known_once_django_is_up() -> None:
    assert apps.ready
    assert {kind.name for kind in all_kinds()} >= KINDS


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_kind_has_a_title_and_refuses_unknown_fields_by_name(name: str) -> None:
    kind = kind_of(name)
    assert re.fullmatch(r"[A-Z][a-z A-Z]+", kind.title)
    assert len(name) <= 32
    with pytest.raises(InvalidError) as refused:
        submit(kind=name, workspace_id=make_workspace().pk, user_id="mara", payload={"nonsense": 1}, now=NOW)
    assert "payload.nonsense" in [field for field, _ in refused.value.faults]


@pytest.mark.parametrize(
    ("kind", "payload", "field"),
    [
        ("process_messages", {"conversation": "x", "first": 1, "last": 1}, "payload.conversation"),
        ("process_messages", {"conversation": "0" * 32, "first": 0, "last": 1}, "payload.first"),
        ("process_messages", {"conversation": "0" * 32, "first": 3, "last": 1}, "payload"),
        ("process_text", {"text": ""}, "payload.text"),
        ("process_text", {"text": "x", "scope": {"agent_id": "x" * 201}}, "payload.scope.agent_id"),
        ("import_messages", {"conversation": "x", "messages": []}, "payload.messages"),
        ("import_messages", {"conversation": "x", "messages": [{"role": "boss", "content": "x"}]},
         "payload.messages.0.role"),
        ("import_messages", {"conversation": "x", "messages": [{"role": "user", "content": "x"}] * 1001},
         "payload.messages"),
        ("generate_response", {"query": "x", "max_tokens": 0}, "payload.max_tokens"),
        ("drill", {"sleep_ms": 20_001}, "payload.sleep_ms"),
        ("warm_cache", {"cache": "context", "limit": 0}, "payload.limit"),
    ],
)  # fmt: skip
def test_a_payload_that_does_not_fit_is_refused_by_its_field(kind: str, payload: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        submit(kind=kind, workspace_id=make_workspace().pk, user_id="mara", payload=payload, now=NOW)
    assert [path for path, _ in refused.value.faults] == [field]
    assert Job.objects.count() == 0


def test_what_touches_a_whole_user_needs_the_admin_scope_and_rereading_is_ours_alone() -> None:
    admins = {"erase_user", "export", "index_messages", "index_scope", "reembed"}
    assert {name for name in KINDS if kind_of(name).scope is Scope.ADMIN} == admins
    assert {name for name in KINDS if kind_of(name).scope is None} == {"enlarge_index", "reread"}


def test_a_drill_fails_as_often_as_asked() -> None:
    workspace = make_workspace()
    job = ask(workspace, "drill", fail_times=2)
    for attempt in (1, 2, 3):
        Job.objects.update(available_at=NOW)
        run_due(workspace)
        job.refresh_from_db()
        assert job.state == (JobState.SUCCEEDED if attempt == 3 else JobState.FAILED)
    assert job.result == {"attempts": 3}


def test_doing_nothing_succeeds() -> None:
    workspace = make_workspace()
    job = ask(workspace, "noop", user_id="")
    run_due(workspace, user_id="")
    job.refresh_from_db()
    assert (job.state, job.result) == (JobState.SUCCEEDED, None)


def test_warming_answers_with_what_it_made_and_fails_for_an_unknown_cache() -> None:
    workspace = make_workspace()
    job = ask(workspace, "warm_cache", user_id="", cache="nonsense")
    run_due(workspace, user_id="")
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "nonsense" in job.error
