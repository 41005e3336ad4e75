from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from memory.models import IndexedMessage, Message
from tests.make import make_conversation, make_workspace, say, work
from tests.memory.api.conftest import Api
from tests.memory.work.doubles import ask as order
from tests.memory.work.doubles import run_due


def find(api: Api, **body: Any) -> tuple[int, Any]:
    return api.post("messages/search", {"query": "Where do I live?"} | body)


def test_messages_are_found_with_who_said_them_where_and_why(make_api: Callable[..., Api]) -> None:
    api = make_api(scope="read")
    conversation = make_conversation(api.workspace)
    said = say(conversation, "I live in Leeds.", "I have a dog.", name="Mara", external_id=None)
    work(conversation)
    status, answer = find(api, user_id="mara", limit=1, explain=True)
    assert status == 200
    assert (answer["degraded"], answer["reasons"], answer["next"]) == (False, [], None)
    (item,) = answer["items"]
    message = Message.objects.get(pk=said.items[0][0])
    assert item | {"score": None, "explain": None} == {
        "id": str(message.pk),
        "external_id": None,
        "conversation_id": str(conversation.pk),
        "position": 1,
        "role": "user",
        "name": "Mara",
        "content": "I live in Leeds.",
        "created_at": message.said_at.isoformat().replace("+00:00", "Z"),
        "score": None,
        "explain": None,
    }
    assert sum(item["explain"].values()) == pytest.approx(item["score"], abs=1e-5)
    status, answer = find(api, conversation_id=str(conversation.pk))
    assert len(answer["items"]) == 2
    assert answer["items"][0]["explain"] is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "whose messages are searched"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "mara", "limit": 0}, "limit"),
        ({"user_id": "mara", "limit": 101}, "limit"),
        ({"user_id": "mara", "query": "x" * 4001}, "at most 4000 characters"),
        ({"user_id": "mara", "query": "a\x00b"}, "U+0000"),
        ({"user_id": "mara", "nearest": 3}, "nearest"),
        ({"conversation_id": "none"}, "conversation_id"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_the_reason(api: Api, body: dict[str, Any], said: str) -> None:
    status, answer = find(api, **body)
    assert status == 422
    assert said in str(answer)


def test_a_conversation_of_another_workspace_is_not_there(api: Api) -> None:
    elsewhere = make_conversation(make_workspace())
    for id in (elsewhere.pk, uuid.uuid4()):
        status, answer = find(api, conversation_id=str(id))
        assert (status, "in this workspace" in str(answer)) == (404, True)


def test_erasing_a_user_erases_what_search_found(api: Api) -> None:
    conversation = make_conversation(api.workspace)
    say(conversation, "I live in Leeds.")
    work(conversation)
    order(api.workspace, "erase_user")
    run_due(api.workspace)
    assert not IndexedMessage.objects.exists()
    assert find(api, user_id="mara")[1]["items"] == []
