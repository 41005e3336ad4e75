"""What a healthy simulated provider answers: vectors, chat, facts, in the shapes of OpenAI's API."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.providers.base import Said
from memory.providers.local.embedder import LocalEmbedder
from memory.providers.local.extractor import LocalExtractor
from memory.providers.local.tokens import estimate
from memory.providers.simulator.answers import facts, prompts

SAID = "I moved to Lisbon in 2019. I am allergic to peanuts. What is the weather like?"
FACT = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "kind": {"type": "string", "enum": ["fact", "preference", "other"]},
        "importance": {"type": "number"},
        "quote": {"type": "string"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
}
FACTS = {
    "type": "object",
    "properties": {"facts": {"type": "array", "items": {"$ref": "#/$defs/Fact"}}},
    "$defs": {"Fact": FACT},
}


def ask(client: httpx.Client, *turns: tuple[str, str], **options: Any) -> dict[str, Any]:
    """What a chat request is answered; an answer of 200 is a document."""
    messages = [{"role": role, "content": content} for role, content in turns]
    answer = client.post("/v1/chat/completions", json={"model": "extractive-1", "messages": messages, **options})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def text_of(document: dict[str, Any]) -> str:
    return str(document["choices"][0]["message"]["content"])


def embed(client: httpx.Client, **body: Any) -> dict[str, Any]:
    document: dict[str, Any] = client.post("/v1/embeddings", json=body).raise_for_status().json()
    return document


def test_vectors_are_those_of_the_local_embedder(client: httpx.Client) -> None:
    texts = ["I drink tea", "a house by the sea"]
    document = embed(client, model="wordllama-256", input=texts)
    assert [one["index"] for one in document["data"]] == [0, 1]
    assert document["model"] == LocalEmbedder.model
    assert document["usage"]["total_tokens"] > 0
    np.testing.assert_allclose([one["embedding"] for one in document["data"]], LocalEmbedder().embed(texts), atol=1e-6)


def test_vectors_in_base64_are_the_same_in_fewer_bytes(client: httpx.Client) -> None:
    plain = embed(client, input="tea")["data"][0]["embedding"]
    packed = embed(client, input="tea", encoding_format="base64")["data"][0]["embedding"]
    np.testing.assert_allclose(np.frombuffer(base64.b64decode(packed), "<f4"), plain, atol=1e-7)


def test_fewer_dimensions_are_the_first_ones_at_length_one(client: httpx.Client) -> None:
    whole = np.array(embed(client, input="tea")["data"][0]["embedding"])
    cut = np.array(embed(client, input="tea", dimensions=64)["data"][0]["embedding"])
    np.testing.assert_allclose(cut, whole[:64] / np.linalg.norm(whole[:64]), atol=1e-6)


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": ["a", 3]}, "input"),
        ({"input": "word " * 20_000}, "input"),
        ({"input": "a", "dimensions": 257}, "dimensions"),
        ({"input": "a", "dimensions": True}, "dimensions"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
        ({"input": "a", "model": ""}, "model"),
    ],
)
def test_a_wrong_request_for_vectors_names_its_parameter(
    client: httpx.Client, body: dict[str, Any], parameter: str
) -> None:
    answer = client.post("/v1/embeddings", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, parameter)


@pytest.mark.parametrize(
    ("body", "parameter"),
    [({}, "messages"), ({"messages": ["hi"]}, "messages"), ({"messages": [{}], "max_tokens": -1}, "max_tokens")],
)
def test_a_wrong_chat_request_names_its_parameter(client: httpx.Client, body: dict[str, Any], parameter: str) -> None:
    answer = client.post("/v1/chat/completions", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, parameter)


def test_chat_answers_with_what_was_said(client: httpx.Client) -> None:
    document = ask(client, ("system", "You are kind."), ("user", SAID))
    assert "I moved to Lisbon in 2019." in text_of(document)
    assert "You are kind" not in text_of(document)
    assert document["usage"]["prompt_tokens"] > document["usage"]["completion_tokens"] > 0


def test_chat_always_answers_something(client: httpx.Client) -> None:
    assert text_of(ask(client, ("system", "Say something about tea and bread.")))
    assert text_of(ask(client, ("user", "hi")))


def test_a_summary_holds_what_the_document_of_the_last_turn_says(client: httpx.Client) -> None:
    said = [{"role": "user", "name": "Ana", "content": "I moved to Lisbon in 2019."}]
    document = {"previous": "Ana: I sold my boat in May.", "messages": said}
    told = f"Summarize this:\n{json.dumps(document)}\nAnswer in plain text."
    text = text_of(ask(client, ("system", "Fold."), ("user", told)))
    assert text == "Ana: I sold my boat in May. I moved to Lisbon in 2019."


def test_facts_follow_the_schema_that_is_asked_for(client: httpx.Client) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "facts", "schema": FACTS, "strict": True}}
    found = json.loads(text_of(ask(client, ("user", SAID), response_format=form)))["facts"]
    local = LocalExtractor().extract(prompts.said_by("user", SAID))
    assert [one["text"] for one in found] == [fact.text for fact in local]
    assert len(local) == 2
    for one in found:
        assert set(one) == set(FACT["properties"])
        assert one["quote"] in SAID
        assert one["kind"] in {"fact", "preference", "other"}
        assert 0 < one["importance"] <= 1


def test_a_summary_follows_its_schema_too(client: httpx.Client) -> None:
    schema = {"type": "object", "properties": {"summary": {"type": "string"}}}
    form = {"type": "json_schema", "json_schema": {"name": "summary", "schema": schema}}
    document = {"previous_summary": "Ana: I sold my boat in May.", "messages": [{"role": "user", "content": SAID}]}
    told = [("user", json.dumps(document | {"budget_tokens": 12})), ("assistant", "?"), ("user", "Answer again.")]
    summary = json.loads(text_of(ask(client, *told, response_format=form)))["summary"]
    assert 0 < estimate(summary) <= 12
    assert summary in {
        "Ana: I sold my boat in May.",
        "User: I moved to Lisbon in 2019.",
        "User: I am allergic to peanuts.",
    }


def test_any_json_object_will_do_where_no_schema_is_named(client: httpx.Client) -> None:
    found = json.loads(text_of(ask(client, ("user", SAID), response_format={"type": "json_object"})))
    assert [set(one) >= {"text", "kind", "importance"} for one in found["facts"]] == [True, True]


@pytest.mark.parametrize(
    "told",
    [
        SAID,
        json.dumps({"role": "user", "content": SAID, "at": "2024-05-01T10:00:00Z"}),
        f"The message:\n{json.dumps({'message': {'role': 'user', 'content': SAID}})}",
        f"Read this.\n<message>\n{SAID}\n</message>",
    ],
)
def test_the_message_is_found_in_whatever_the_prompt_wraps_around_it(told: str) -> None:
    assert prompts.last_said([{"role": "user", "content": told}]).content == SAID


def test_dates_are_resolved_by_the_time_that_the_prompt_gives() -> None:
    told = json.dumps({"role": "user", "content": "I moved house yesterday.", "at": "2024-05-02T10:00:00+00:00"})
    said = prompts.last_said([{"role": "user", "content": told}])
    assert "2024-05-01" in facts.answer({}, said, text=str)


def test_a_stream_says_the_same_as_a_whole_answer(client: httpx.Client) -> None:
    whole = text_of(ask(client, ("user", SAID)))
    body = {
        "messages": [{"role": "user", "content": SAID}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
    assert lines.pop() == "[DONE]"
    pieces = [json.loads(line) for line in lines]
    assert pieces.pop()["usage"]["completion_tokens"] > 0
    assert "".join(piece["choices"][0]["delta"].get("content", "") for piece in pieces) == whole
    assert len(pieces) > 5


def test_azures_paths_name_the_model(client: httpx.Client) -> None:
    document = client.post("/openai/deployments/mine/embeddings?api-version=1", json={"input": "tea"}).json()
    assert document["model"] == "mine"


def test_the_models_are_listed(client: httpx.Client) -> None:
    assert {one["id"] for one in client.get("/v1/models").json()["data"]} == {"wordllama-256", "extractive-1"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "type", "items"]), inner),
    max_leaves=12,
)
SCHEMAS = st.dictionaries(st.sampled_from(["type", "items", "properties", "anyOf", "enum", "$ref", "$defs"]), JSON)


@given(schema=SCHEMAS, content=JSON)
def test_no_schema_and_no_prompt_breaks_it(schema: dict[str, Any], content: Any) -> None:
    said = prompts.last_said([{"role": "user", "content": content}])
    assert isinstance(said, Said)
    json.loads(facts.answer(schema, prompts.said_by("user", SAID), text=str))
    prompts.conversation([{"role": "user", "content": json.dumps(content)}])
