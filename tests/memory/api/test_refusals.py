from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone

from holdfast import problems
from memory.access import forget_callers
from memory.models import ApiKey, Message, Scope
from tests.make import make_memory
from tests.memory.api.conftest import Api

GOOD = {"role": "user", "content": "Hello"}


@pytest.fixture
def conversation(api: Api) -> str:
    return str(api.post("conversations", {"user_id": "mara"})[1]["id"])


def test_without_a_known_key_every_group_answers_401_with_one_sentence(api: Api) -> None:
    for headers in ({}, {"Authorization": "Bearer m0-wrong"}, {"Authorization": "Basic abc"}):
        for path in ("conversations", "memories", "jobs"):
            response = Client().get(f"/api/v1/{path}", headers=headers)
            problem = response.json()
            assert response.status_code == problem["status"] == 401
            assert problem["detail"] == problem["error"]
            assert problem["detail"].count("\n") == 0
            assert response["WWW-Authenticate"] == "Bearer"
            assert response["Content-Type"] == "application/problem+json"


def test_a_key_works_as_bearer_and_as_token(api: Api) -> None:
    for scheme in ("Bearer", "Token", "bearer"):
        response = Client().get("/api/v1/jobs", headers={"Authorization": f"{scheme} {api.key}"})
        assert response.status_code == 200


def test_a_revoked_or_expired_key_or_an_inactive_workspace_is_refused(api: Api) -> None:
    keys = ApiKey.objects.filter(workspace=api.workspace)
    keys.update(revoked_at=timezone.now())
    assert api.get("jobs")[0] == 401
    keys.update(revoked_at=None, expires_at=timezone.now() - timedelta(seconds=1))
    assert api.get("jobs")[0] == 401
    keys.update(expires_at=None)
    assert api.get("jobs")[0] == 200
    forget_callers()
    api.workspace.is_active = False
    api.workspace.save()
    status, problem = api.get("jobs")
    assert status == 401
    assert api.workspace.name in problem["detail"]


def test_a_reading_key_may_not_write(make_api: Callable[..., Api]) -> None:
    api = make_api(scope=Scope.READ)
    assert api.get("memories")[0] == 200
    assert api.post("conversations", {"user_id": "mara"})[0] == 403


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"content": "Hello"}, "messages.0.role"),
        ({"role": "user"}, "messages.0.content"),
        ({"role": "user", "content": ""}, "messages.0.content"),
        ({"role": "wizard", "content": "Hello"}, "messages.0.role"),
        ({"role": "user", "content": "é" * 16_385}, "messages.0.content"),
        ({"role": "user", "content": "a\u0000b"}, "messages.0.content"),
        ({"role": "user", "content": "Hello", "created_at": "yesterday"}, "messages.0.created_at"),
        ({"role": "user", "content": "Hello", "external_id": "x" * 201}, "messages.0.external_id"),
        ({"role": "user", "content": "Hello", "colour": "red"}, "messages.0.colour"),
    ],
)
def test_a_bad_message_is_422_and_names_the_field(
    api: Api, conversation: str, message: dict[str, Any], field: str
) -> None:
    status, problem = api.post(f"conversations/{conversation}/messages", {"messages": [message]})
    assert status == 422
    assert [fault["field"] for fault in problem["errors"]] == [field]
    assert field in problem["detail"]
    assert not Message.objects.exists()


def test_one_bad_message_keeps_the_whole_post_out(api: Api, conversation: str) -> None:
    body = {"messages": [GOOD, {"role": "user"}]}
    status, problem = api.post(f"conversations/{conversation}/messages", body)
    assert (status, problem["errors"][0]["field"]) == (422, "messages.1.content")
    assert not Message.objects.exists()


def test_content_of_exactly_32_kb_and_a_thousand_messages_are_taken(api: Api, conversation: str) -> None:
    path = f"conversations/{conversation}/messages"
    assert api.post(path, {"messages": [{"role": "user", "content": "x" * 32_768}]})[0] == 202
    assert api.post(path, {"messages": [GOOD] * 1000})[0] == 202


def test_more_than_a_thousand_messages_are_422(api: Api, conversation: str) -> None:
    status, problem = api.post(f"conversations/{conversation}/messages", {"messages": [GOOD] * 1001})
    assert (status, problem["errors"][0]["field"]) == (422, "messages")


@pytest.mark.parametrize("budget", [0, -1, "many"])
def test_a_token_budget_that_is_not_positive_is_422(api: Api, budget: object) -> None:
    status, problem = api.post("context", {"user_id": "mara", "budget_tokens": budget})
    assert (status, problem["errors"][0]["field"]) == (422, "budget_tokens")


def test_a_foreign_id_answers_like_one_that_does_not_exist(make_api: Callable[..., Api]) -> None:
    ours, theirs = make_api(), make_api()
    foreign = theirs.post("conversations", {"user_id": "mara"})[1]["id"]
    memory = make_memory(workspace=theirs.workspace)
    nowhere = str(uuid.uuid4())

    def answers(id: str, memory_id: str) -> list[tuple[int, str]]:
        calls: list[tuple[str, str, Any]] = [
            ("GET", f"conversations/{id}", None),
            ("PATCH", f"conversations/{id}", {"metadata": {}}),
            ("DELETE", f"conversations/{id}", None),
            ("GET", f"conversations/{id}/messages", None),
            ("POST", f"conversations/{id}/messages", {"messages": [GOOD]}),
            ("POST", "context", {"user_id": "mara", "conversation_id": id}),
            ("GET", f"memories/{memory_id}", None),
            ("PATCH", f"memories/{memory_id}", {"pinned": True}),
            ("DELETE", f"memories/{memory_id}", None),
            ("GET", f"memories/{memory_id}/history", None),
        ]
        answered = [ours.call(*call) for call in calls]
        return [(status, body["detail"].replace(id, "ID").replace(memory_id, "ID")) for status, body in answered]

    assert answers(foreign, str(memory.pk)) == answers(nowhere, nowhere)
    assert {status for status, _ in answers(foreign, str(memory.pk))} == {404}


def test_a_body_over_10_mb_is_413(api: Api, conversation: str) -> None:
    status, problem = api.post(f"conversations/{conversation}/messages", b" " * (10 * 1024 * 1024 + 1))
    assert status == 413
    assert "10,485,760 bytes" in problem["detail"]


def test_a_body_that_is_not_json_is_400(api: Api) -> None:
    assert api.post("conversations", b"{not json")[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        {"user_id": "mara", "metadata": {"note": "\u0000"}},
        {"user_id": "mara", "metadata": {"note": "x" * 20_000}},
        {"user_id": ""},
        {"user_id": "   "},
        {},
        [],
    ],
)
def test_a_bad_conversation_is_422(api: Api, body: object) -> None:
    assert api.post("conversations", body)[0] == 422


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "cursor=nonsense"])
def test_pages_are_bounded(api: Api, query: str) -> None:
    assert api.get(f"conversations?{query}")[0] == 422


def test_an_unknown_filter_or_state_is_422(api: Api) -> None:
    assert api.post("memories/search", {"user_id": "mara", "query": "x", "filters": {"shape": 1}})[0] == 422
    assert api.get("memories?state=lost")[0] == 422


def test_a_path_without_an_operation_is_404_in_the_apis_words(api: Api) -> None:
    status, problem = api.get("nowhere")
    assert (status, problem["status"]) == (404, 404)
    assert "/api/v1/nowhere" in problem["detail"]


def test_an_id_that_is_none_is_422(api: Api) -> None:
    status, problem = api.get("conversations/not-an-id")
    assert (status, problem["errors"][0]["field"]) == (422, "id")


def test_a_fault_of_ours_is_500_in_the_apis_words() -> None:
    answer = problems.failed(RequestFactory().get("/api/v1/context"))
    problem = json.loads(answer.content)
    assert (answer.status_code, problem["status"], problem["title"]) == (500, 500, "Internal Server Error")
    assert "request id" in problem["detail"]
