"""Chat with an endpoint: whole answers and streams, and what is not an answer."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from memory.providers.base import (
    ProviderBadAnswerError,
    ProviderCredentialsError,
    ProviderError,
    ProviderRefusedError,
    ProviderUnavailableError,
    Turn,
)
from memory.providers.remote.http.events import EVENT_LIMIT, event_data
from memory.providers.remote.profiles import AZURE, OPENAI
from memory.providers.simulator import Simulator
from tests.memory.providers.guard.made import judged, make_guard
from tests.memory.providers.remote.made import Asked, Says, Scripted, make_chat, said

HELLO = [Turn("system", "Be brief."), Turn("user", "I moved to Lisbon in 2019.")]


def events(*documents: Any, end: bool = True) -> Says:
    lines = [f"data: {document if isinstance(document, str) else json.dumps(document)}\n\n" for document in documents]
    body = "".join([": hello\n\n", *lines, *(["data: [DONE]\n\n"] if end else [])]).encode()
    return Says(body=body, headers={"Content-Type": "text/event-stream"})


def piece(text: str | None, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": text}, "finish_reason": finish}]}


def test_an_answer_has_text_model_and_tokens() -> None:
    with Scripted(said("Nice.")) as server:
        completion = make_chat(server.url).complete(HELLO, max_tokens=50)
    assert (completion.text, completion.model) == ("Nice.", "gpt")
    assert (completion.prompt_tokens, completion.completion_tokens) == (11, 7)
    assert server.asked[0].path == "/chat/completions"
    assert server.asked[0].document == {
        "model": "test-model",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "I moved to Lisbon in 2019."},
        ],
        "max_tokens": 50,
        "temperature": 0.0,
    }


def test_the_profile_names_the_path_and_the_bound() -> None:
    with Scripted(said("Nice.")) as server:
        make_chat(server.url, profile=OPENAI).complete(HELLO, max_tokens=9)
        make_chat(server.url, profile=AZURE).complete(HELLO, max_tokens=9)
    assert server.asked[0].document["max_completion_tokens"] == 9
    assert server.asked[1].path == "/openai/deployments/test-model/chat/completions?api-version=2024-10-21"
    assert server.asked[1].document["max_tokens"] == 9


def test_a_schema_is_asked_for_and_left_out_where_it_is_refused() -> None:
    def old(asked: Asked, _: BaseHTTPRequestHandler) -> Says:
        return Says(400) if {"response_format", "temperature"} & asked.document.keys() else said("{}")

    with Scripted(old) as server:
        chat = make_chat(server.url)
        for _ in range(2):
            assert chat.complete(HELLO, schema={"type": "object"}).text == "{}"
    asked = [set(one.document) - {"model", "messages", "max_tokens"} for one in server.asked]
    assert asked == [{"temperature", "response_format"}, {"response_format"}, set(), set()]
    wanted = server.asked[0].document["response_format"]["json_schema"]
    assert wanted == {"name": "answer", "schema": {"type": "object"}, "strict": True}


def test_an_answer_in_parts_is_joined() -> None:
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "Ni"}, {"type": "text", "text": "ce."}]
    with Scripted(said(parts)) as server:
        assert make_chat(server.url).complete(HELLO).text == "Nice."


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": []},
        {"choices": ["x"]},
        {"choices": [{}]},
        {"choices": [{"message": {"content": None}}]},
        {"choices": [{"message": {"content": "  "}}]},
        {"choices": [{"message": "x"}]},
    ],
)
def test_an_answer_without_text_is_a_bad_answer(body: dict[str, Any]) -> None:
    with Scripted(Says(body=body)) as server, pytest.raises(ProviderBadAnswerError):
        make_chat(server.url).complete(HELLO)


def test_a_model_that_declines_has_refused_and_nothing_is_wrong_with_the_provider() -> None:
    guard = make_guard(attempts=3)
    with Scripted(said(None, refusal="I can't help with that.")) as server, pytest.raises(ProviderRefusedError):
        make_chat(server.url, guard=guard).complete(HELLO)
    assert len(server.asked) == 1
    assert judged(guard) == (0, 0)


def test_a_failure_that_passes_is_tried_again() -> None:
    with Scripted(Says(500), said("Nice.")) as server:
        assert make_chat(server.url, guard=make_guard()).complete(HELLO).text == "Nice."


def test_identical_calls_in_flight_are_one_unless_the_answer_is_left_to_chance() -> None:
    for temperature, requests in ((0.0, 1), (1.0, 4)):
        come = threading.Barrier(4)
        all_here = threading.Event()

        def slow(_: Asked, __: BaseHTTPRequestHandler, wait: threading.Event = all_here) -> Says:
            wait.wait(0.3)
            return said("Nice.")

        with Scripted(slow) as server:
            chat = make_chat(server.url)

            def ask(temperature: float = temperature, come: threading.Barrier = come) -> None:
                come.wait()
                chat.complete(HELLO, temperature=temperature)  # noqa: B023 - joined within the loop

            threads = [threading.Thread(target=ask) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(server.asked) == requests


def test_a_stream_comes_in_pieces_with_its_figures() -> None:
    with Simulator() as simulator:
        pieces = list(make_chat(simulator.api_url).stream(HELLO))
        assert simulator.requests[0].document["stream"] is True
    assert len(pieces) > 3
    assert "".join(pieces) == "User: I moved to Lisbon in 2019."


def test_an_empty_event_and_one_without_choices_are_no_pieces() -> None:
    answer = events(piece(""), {"choices": []}, piece("Ni"), piece(None), piece("ce."), piece(None, "stop"))
    with Scripted(answer) as server:
        assert list(make_chat(server.url).stream(HELLO)) == ["Ni", "ce."]


def test_a_stream_without_a_closing_mark_is_whole_when_its_last_piece_says_so() -> None:
    with Scripted(events(piece("Nice."), piece(None, "stop"), end=False)) as server:
        assert list(make_chat(server.url).stream(HELLO)) == ["Nice."]


def test_a_stream_that_is_cut_raises_after_its_pieces() -> None:
    with Scripted(events(piece("Ni"), end=False)) as server:
        stream = make_chat(server.url).stream(HELLO)
        assert next(stream) == "Ni"
        with pytest.raises(ProviderUnavailableError):
            next(stream)


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"error": {"message": "overloaded"}}, ProviderUnavailableError),
        ("no json", ProviderBadAnswerError),
        ("[1]", ProviderBadAnswerError),
    ],
)
def test_what_goes_wrong_within_a_stream_has_its_error(event: Any, error: type[ProviderError]) -> None:
    with Scripted(events(piece("Ni"), event)) as server, pytest.raises(error) as raised:
        list(make_chat(server.url).stream(HELLO))
    assert raised.type is error


def test_a_stream_that_can_not_begin_raises_at_once() -> None:
    with Scripted(Says(401)) as server, pytest.raises(ProviderCredentialsError):
        make_chat(server.url).stream(HELLO)


def test_a_reader_that_has_enough_ends_the_connection() -> None:
    with Simulator() as simulator:
        simulator.set(slow_stream_ms=20)
        stream = make_chat(simulator.api_url).stream(HELLO)
        next(stream)
        stream.close()  # type: ignore[attr-defined]
        assert make_chat(simulator.api_url).complete(HELLO).text


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_read_however_they_are_cut_into_parts(size: int) -> None:
    raw = "event: x\r\ndata: one\r\n\r\n: note\n\ndata:two\ndata: more\n\nid: 3\ndata: drei ü\n\ndata: rest".encode()
    parts = [raw[start : start + size] for start in range(0, len(raw), size)]
    assert list(event_data(parts)) == ["one", "two\nmore", "drei ü"]


def test_an_event_is_read_up_to_a_limit() -> None:
    with pytest.raises(ProviderBadAnswerError):
        list(event_data([b"data: "] + [b"x" * 65536] * (EVENT_LIMIT // 65536 + 1)))
