from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from memory.models import Decision, Memory, Message, Scope, State
from tests.make import make_conversation, make_memory, make_workspace, say, work
from tests.memory.api.conftest import Api
from tests.memory.remember.made import decide

pytestmark = pytest.mark.django_db


def made(api: Api, *texts: str, **fields: Any) -> list[Memory]:
    return [make_memory(text, api.workspace, **fields) for text in texts]


def test_memories_are_merged_and_that_is_undone(api: Api) -> None:
    bare, rich = made(api, "Has a dog", "Has a dog named Bo")
    asked = {"memory_ids": [str(bare.pk), str(rich.pk)], "reason": "the same dog"}
    status, merged = api.post("memories/merge", asked)
    assert (status, merged["id"], merged["state"]) == (200, str(rich.pk), "active")
    _, page = api.get(f"memories/{bare.pk}/decisions")
    decision = page["items"][0]
    assert (decision["outcome"], decision["by"], decision["reason"]) == ("merged", "person", "the same dog")
    assert {effect["id"] for effect in decision["effects"]} == {str(bare.pk), str(rich.pk)}
    assert api.get(f"decisions/{decision['id']}")[1] == decision
    status, undone = api.post(f"decisions/{decision['id']}/undo", {"reason": "two dogs"})
    assert (status, undone["undone_by"]) == (200, "tests")
    assert Memory.objects.active().count() == 2
    status, problem = api.post(f"decisions/{decision['id']}/undo", None)
    assert (status, "undone already" in problem["detail"]) == (409, True)


@pytest.mark.parametrize("path", ["merge", "keep-apart"])
def test_memories_of_two_users_and_too_few_are_refused_with_the_reason(api: Api, path: str) -> None:
    (mine,) = made(api, "Lives in Leeds")
    (theirs,) = made(api, "Lives in Leeds", user_id="jonas")
    foreign = make_memory("Lives in Leeds", make_workspace())
    status, problem = api.post(f"memories/{path}", {"memory_ids": [str(mine.pk), str(theirs.pk)]})
    assert (status, problem["errors"][0]["field"]) == (422, "memory_ids")
    assert "different users" in problem["detail"]
    assert api.post(f"memories/{path}", {"memory_ids": [str(mine.pk), str(foreign.pk)]})[0] == 404
    assert api.post(f"memories/{path}", {"memory_ids": [str(mine.pk)]})[0] == 422
    assert api.post(f"memories/{path}", {"memory_ids": [str(mine.pk)], "force": True})[0] == 422


def test_a_memory_is_split_and_its_whole_restored(api: Api) -> None:
    (whole,) = made(api, "Lives in Leeds and works as a nurse")
    status, parts = api.post(f"memories/{whole.pk}/split", {"texts": ["Lives in Leeds", "Works as a nurse"]})
    assert (status, [part["text"] for part in parts]) == (200, ["Lives in Leeds", "Works as a nurse"])
    status, problem = api.post(f"memories/{whole.pk}/split", {"texts": ["Lives in Leeds", " "]})
    assert (status, problem["errors"][0]["field"]) == (422, "texts.1")
    status, restored = api.post(f"memories/{whole.pk}/restore", None)
    assert (status, restored["state"], restored["replaced_by"]) == (200, "active", None)
    assert api.post(f"memories/{whole.pk}/restore", {})[0] == 409
    api.call("DELETE", f"memories/{whole.pk}")
    status, problem = api.post(f"memories/{whole.pk}/restore", {})
    assert (status, "erased" in problem["detail"]) == (410, True)


def test_the_review_queue_is_read_and_answered(api: Api) -> None:
    old, new = made(api, "Runs 5 km", "Runs five miles")
    line = {"id": str(old.pk), "similarity": 0.7, "score": 0.7, "relation": "unsure", "outcome": "review"}
    guards = [{"guard": "number", "a": ["5"], "b": ["5k"]}]
    question = decide(new, old, "review", trace=[line | {"guards": guards}])
    _, page = api.get("review?user_id=mara")
    asked = page["items"][0]
    assert (asked["memory"]["text"], asked["other"]["text"]) == ("Runs five miles", "Runs 5 km")
    assert (asked["score"], asked["guards"]) == (0.7, guards)
    assert api.get("review?user_id=jonas")[1]["items"] == []
    assert api.post(f"review/{question.pk}", {"as": "maybe"})[0] == 422
    assert api.post(f"review/{uuid.uuid4()}", {"as": "same"})[0] == 404
    status, answered = api.post(f"review/{question.pk}", {"as": "replace", "reason": "newer"})
    assert (status, answered["resolution"], answered["resolved_by"]) == (200, "superseded", "tests")
    assert api.get("review")[1]["items"] == []
    assert api.post(f"review/{question.pk}", {"as": "same"})[0] == 409
    _, page = api.get("decisions?outcome=review&user_id=mara&by=real_time")
    assert [row["id"] for row in page["items"]] == [str(question.pk)]
    assert api.get("decisions?outcome=nonsense")[0] == 422


def test_erasing_is_proved_and_names_what_is_left(api: Api) -> None:
    conversation = make_conversation(api.workspace)
    say(conversation, "I'm allergic to peanuts.")
    work(conversation)
    memory = Memory.objects.get()
    assert api.get(f"memories/{memory.pk}/erasure")[0] == 404
    status, forgotten = api.call("DELETE", f"memories/{memory.pk}?reason=asked%20to")
    assert (status, forgotten["state"], forgotten["text"]) == (200, "forgotten", "")
    status, proof = api.get(f"memories/{memory.pk}/erasure")
    assert (status, proof["reason"], proof["actor"]) == (200, "asked to", "tests")
    assert proof["messages"] == [str(Message.objects.get().pk)]
    by_place = {place["place"]: place for place in proof["places"]}
    assert (by_place["memories"]["erased"], by_place["memories"]["left"]) == (1, 0)
    assert by_place["messages"]["left"] == 1
    assert "peanut" not in str(proof)


def test_what_was_merged_into_it_and_what_was_said_go_when_asked(api: Api) -> None:
    conversation = make_conversation(api.workspace)
    say(conversation, "I have a dog named Bo.")
    work(conversation)
    rich = Memory.objects.get()
    (bare,) = made(api, "Has a dog")
    api.post("memories/merge", {"memory_ids": [str(rich.pk), str(bare.pk)], "into": str(rich.pk)})
    assert api.call("DELETE", f"memories/{rich.pk}?also=nobody")[0] == 422
    assert api.call("DELETE", f"memories/{rich.pk}?also=merged&messages=true")[0] == 200
    assert set(Memory.objects.values_list("text", "state")) == {("", State.FORGOTTEN)}
    assert Message.objects.get().content == "[erased]"
    assert api.get(f"memories/{bare.pk}/erasure")[1]["left"] == 0


def test_a_batch_does_or_refuses_each_item_by_itself(api: Api) -> None:
    old, taken, gone = made(api, "Lives in Leeds", "Lives in York", "Has a dog")
    items: list[dict[str, Any]] = [
        {"op": "forget", "id": str(gone.pk), "reason": "asked to"},
        {"op": "add", "user_id": "mara", "text": "Plays the cello", "infer": False},
        {"op": "add", "user_id": "mara", "text": "plays the cello", "infer": False},
        {"op": "add", "user_id": "mara", "text": "I work as a nurse."},
        {"op": "update", "id": str(old.pk), "text": "Lives in York"},
        {"op": "update", "id": str(old.pk), "pinned": True},
        {"op": "forget", "id": str(uuid.uuid4())},
    ]
    status, done = api.post("memories/batch", {"items": items})
    assert status == 200
    assert [one["status"] for one in done["items"]] == [200, 201, 201, 202, 409, 200, 404]
    assert done["items"][1]["memory"]["id"] == done["items"][2]["memory"]["id"]
    assert str(taken.pk) in done["items"][4]["detail"]
    assert (done["items"][0]["memory"]["text"], done["items"][5]["memory"]["pinned"]) == ("", True)
    assert api.get(f"memories/{gone.pk}/erasure")[1]["left"] == 0
    assert api.post("memories/batch", {"items": []})[0] == 422
    assert api.post("memories/batch", {"items": [{"op": "drop", "id": str(old.pk)}]})[0] == 422


def test_reading_needs_a_key_and_acting_one_that_writes(make_api: Callable[..., Api]) -> None:
    reader = make_api(scope=Scope.READ)
    old, new = made(reader, "Has a dog", "Has a dog named Bo")
    decision = decide(new, old, "merged", state=State.MERGED)
    for path in ("decisions", f"decisions/{decision.pk}", "review", f"memories/{old.pk}/decisions"):
        assert reader.get(path)[0] == 200
        assert Api(reader.workspace, "m0-wrong").get(path)[0] == 401
    both = {"memory_ids": [str(old.pk), str(new.pk)]}
    acts: list[tuple[str, Any]] = [
        ("memories/merge", both), ("memories/keep-apart", both), (f"memories/{old.pk}/restore", {}),
        (f"memories/{old.pk}/split", {"texts": ["a b", "c d"]}), (f"decisions/{decision.pk}/undo", {}),
        (f"review/{decision.pk}", {"as": "same"}),
    ]  # fmt: skip
    for path, body in acts:
        assert reader.post(path, body)[0] == 403, path
    elsewhere = make_api()
    for path, body in acts:
        assert elsewhere.post(path, body)[0] == 404, path
    assert Decision.objects.count() == 1
