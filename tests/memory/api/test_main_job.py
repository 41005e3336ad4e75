from __future__ import annotations

import uuid

from memory.models import Conversation, Job
from tests.make import work
from tests.memory.api.conftest import Api


def open_one(api: Api, **fields: object) -> str:
    return str(api.post("conversations", {"user_id": "mara"} | fields)[1]["id"])


def work_for(api: Api) -> None:
    for conversation in Conversation.objects.filter(workspace=api.workspace):
        work(conversation, now=Job.objects.latest("available_at").available_at)


def test_a_conversation_is_made_once_per_external_id(api: Api) -> None:
    body = {"user_id": "mara", "external_id": "c-1", "metadata": {"channel": "web"}}
    status, made = api.post("conversations", body)
    again_status, again = api.post("conversations", body)
    assert (status, again_status) == (201, 200)
    assert made == again
    assert (made["external_id"], made["user_id"], made["metadata"]) == ("c-1", "mara", {"channel": "web"})
    assert made["created_at"].endswith("Z")


def test_messages_in_memories_and_context_out(api: Api) -> None:
    id = open_one(api)
    said = [{"role": "user", "content": "I'm allergic to peanuts."}, {"role": "assistant", "content": "Noted!"}]
    status, posted = api.post(f"conversations/{id}/messages", {"messages": said})
    assert status == 202
    assert [item["position"] for item in posted["items"]] == [1, 2]
    assert api.get(f"jobs/{posted['job_id']}")[1]["state"] == "pending"

    work_for(api)
    job = api.get(f"jobs/{posted['job_id']}")[1]
    assert (job["state"], job["priority"], job["attempts"], job["error"]) == ("succeeded", "normal", 1, None)
    memory = api.get("memories?user_id=mara&state=active")[1]["items"][0]
    assert job["result"]["added"] == [memory["id"]]
    assert (memory["text"], memory["replaced_by"], memory["user_id"]) == ("Is allergic to peanuts", None, "mara")

    within = api.post("context", {"user_id": "mara", "conversation_id": id, "query": "peanut butter?"})[1]
    assert [part["kind"] for part in within["parts"]] == ["message", "message"]  # which say it already
    status, context = api.post("context", {"user_id": "mara", "query": "peanut butter?"})
    assert status == 200
    assert [part["text"] for part in context["parts"]] == ["- Is allergic to peanuts"]
    assert context["degraded"] is False
    assert context["variant"] == "plain"
    assert 0 < context["tokens"] <= 2000


def test_the_context_is_cached_and_never_older_than_the_last_write(api: Api) -> None:
    id = open_one(api)
    ask = {"user_id": "mara", "conversation_id": id}
    assert api.post("context", ask)[1]["parts"] == []
    assert api.post("context", ask)[1]["parts"] == []
    api.post(f"conversations/{id}/messages", {"messages": [{"role": "user", "content": "Hello there"}]})
    assert api.post("context", ask)[1]["text"].endswith("user: Hello there")


def test_posting_again_with_an_idempotency_key_adds_nothing(api: Api) -> None:
    id = open_one(api)
    body = {"messages": [{"role": "user", "content": "one"}, {"role": "user", "content": "two"}]}
    first = api.post(f"conversations/{id}/messages", body, **{"Idempotency-Key": "k-1"})
    again = api.post(f"conversations/{id}/messages", body, **{"Idempotency-Key": "k-1"})
    assert first == again
    assert api.get(f"conversations/{id}")[1]["length"] == 2


def test_messages_are_listed_newest_first_in_pages(api: Api) -> None:
    id = open_one(api)
    body = {"messages": [{"role": "user", "content": str(number)} for number in range(5)]}
    api.post(f"conversations/{id}/messages", body)
    first = api.get(f"conversations/{id}/messages?limit=3")[1]
    rest = api.get(f"conversations/{id}/messages?limit=3&cursor={first['next']}")[1]
    assert [item["content"] for item in first["items"] + rest["items"]] == ["4", "3", "2", "1", "0"]
    assert rest["next"] is None


def test_every_field_of_a_message_comes_back_as_it_was_posted(api: Api) -> None:
    id = open_one(api)
    sent = {
        "role": "assistant",
        "content": "Naïve “quotes”, 日本, 100 % and \\ stay",
        "external_id": "m-1",
        "name": "Ada",
        "created_at": "2026-05-08T13:56:30Z",
        "recalled": True,
    }
    api.post(f"conversations/{id}/messages", {"messages": [{"role": "user", "content": "first"}, sent]})
    item = api.get(f"conversations/{id}/messages")[1]["items"][0]
    assert {name: item[name] for name in sent} == sent
    assert (item["position"], item["processed_at"]) == (2, None)
    assert item["tokens"] > 0


def test_a_memory_is_added_verbatim_read_changed_and_forgotten(api: Api) -> None:
    body = {"user_id": "mara", "text": "Prefers window seats", "infer": False, "kind": "preference"}
    status, made = api.post("memories", body)
    assert (status, made["text"], made["kind"], made["state"]) == (201, "Prefers window seats", "preference", "active")
    assert api.post("memories", body)[1]["id"] == made["id"]

    changed = api.call("PATCH", f"memories/{made['id']}", {"text": "Prefers aisle seats", "reason": "asked"})[1]
    assert (changed["text"], changed["version"]) == ("Prefers aisle seats", 2)
    history = api.get(f"memories/{made['id']}/history")[1]["items"]
    assert [(row["number"], row["text"]) for row in history] == [
        (2, "Prefers aisle seats"),
        (1, "Prefers window seats"),
    ]

    forgotten = api.call("DELETE", f"memories/{made['id']}?reason=asked")[1]
    assert (forgotten["state"], forgotten["text"]) == ("forgotten", "")
    assert api.get(f"memories/{made['id']}")[1]["state"] == "forgotten"
    assert api.get("memories?user_id=mara&state=active")[1]["items"] == []
    assert api.call("PATCH", f"memories/{made['id']}", {"text": "Prefers aisle seats"})[0] == 410


def test_a_text_to_infer_from_becomes_memories_by_a_job(api: Api) -> None:
    status, submitted = api.post("memories", {"user_id": "mara", "text": "I'm allergic to peanuts. Lovely day!"})
    assert status == 202
    open_one(api)
    work_for(api)
    job = api.get(f"jobs/{submitted['job_id']}")[1]
    assert job["state"] == "succeeded"
    assert [item["text"] for item in api.get("memories?user_id=mara")[1]["items"]] == ["Is allergic to peanuts"]


def test_search_answers_with_scores_and_explains_them(api: Api) -> None:
    api.post("memories", {"user_id": "mara", "text": "Is allergic to peanuts", "infer": False})
    status, found = api.post("memories/search", {"user_id": "mara", "query": "peanuts", "explain": True})
    assert status == 200
    item = found["items"][0]
    assert item["text"] == "Is allergic to peanuts"
    assert 0.5 < item["score"] <= 1
    assert item["explain"]["text_rank"] == 1


def test_a_conversation_is_updated_listed_and_deleted(api: Api) -> None:
    id = open_one(api)
    assert api.call("PATCH", f"conversations/{id}", {"metadata": {"a": 1}})[1]["metadata"] == {"a": 1}
    assert [item["id"] for item in api.get("conversations?user_id=mara")[1]["items"]] == [id]
    assert api.call("DELETE", f"conversations/{id}") == (204, None)
    assert api.get(f"conversations/{id}")[0] == 404


def test_every_answer_carries_a_request_id(api: Api) -> None:
    assert len(api.get(f"jobs/{uuid.uuid4()}")[1]["request_id"]) >= 8


def test_the_summary_and_the_context_queue_of_a_conversation_are_told(api: Api) -> None:
    id = open_one(api)
    said = [{"role": "user", "content": f"On day {number} I bought {number + 2} apples."} for number in range(250)]
    assert api.get(f"conversations/{id}/queue")[1]["state"] == "empty"
    api.post(f"conversations/{id}/messages", {"messages": said})
    queue = api.get(f"conversations/{id}/queue")[1]
    assert (queue["state"], queue["messages"], queue["until_fold"], queue["summary_version"]) == ("due", 250, 0, 0)
    work_for(api)
    queue, summary = (api.get(f"conversations/{id}/{what}")[1] for what in ("queue", "summary"))
    assert (queue["state"], summary["version"]) == ("filling", 1)
    assert summary["through"] == queue["summary_through"] == 250 - queue["messages"]
    assert 0 < summary["tokens"] == queue["summary_tokens"] <= 300
    status, posted = api.post(f"conversations/{id}/summary/refresh", None)
    assert status == 202
    assert api.post(f"conversations/{id}/summary/refresh", None)[1] == posted  # one such job waits
    assert api.get(f"jobs/{posted['job_id']}")[1]["kind"] == "refresh_summary"


def test_filters_narrow_search_and_list_and_a_plan_tells_how_it_was_looked_for(api: Api) -> None:
    for text, source in (("Is allergic to peanuts", "mail"), ("Likes peanuts on toast", "chat")):
        body = {"user_id": "mara", "text": text, "infer": False, "metadata": {"source": source}}
        assert api.post("memories", body)[0] == 201
    asked = {"user_id": "mara", "query": "peanuts", "explain": True}
    for filters in ({"metadata": {"source": "mail"}}, {"NOT": [{"text": {"contains": "toast"}}]}):
        status, found = api.post("memories/search", asked | {"filters": filters})
        assert (status, [item["text"] for item in found["items"]]) == (200, ["Is allergic to peanuts"])
        assert (found["plan"]["strategy"], found["plan"]["rows"]) == ("exact", 1)
    listed = api.get('memories?user_id=mara&filters={"metadata.source":"chat"}')[1]
    assert [item["text"] for item in listed["items"]] == ["Likes peanuts on toast"]
    for path in ('memories?filters={"colour":1}', "memories?filters=[1"):
        status, problem = api.get(path)
        assert (status, problem["errors"][0]["field"].split(".")[0]) == (422, "filters")
