"""How the simulated provider fails when it is told to, and what it counts."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from memory.providers.simulator import Fault, KnobError, Knobs, Simulator
from memory.providers.simulator.traffic import Traffic

ASKED = {"model": "wordllama-256", "input": "tea"}


def embed(client: httpx.Client) -> httpx.Response:
    return client.post("/v1/embeddings", json=ASKED)


@contextmanager
def connected(simulator: Simulator) -> Iterator[socket.socket]:
    """A bare connection, for requests that no client would send."""
    host, port = simulator.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        yield connection


def test_errors_come_and_go_with_the_knob(simulator: Simulator, client: httpx.Client) -> None:
    simulator.set(error_rate=1.0)
    assert embed(client).status_code == 500
    simulator.set(error_status=503, retry_after_s=7)
    answer = embed(client)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    simulator.set(error_rate=0.0)
    assert embed(client).status_code == 200
    assert [seen.fault for seen in simulator.requests] == [Fault.ERROR, Fault.ERROR, Fault.NONE]


def test_the_next_requests_fail_and_then_no_more(simulator: Simulator, client: httpx.Client) -> None:
    simulator.set(fail_next=2)
    assert [embed(client).status_code for _ in range(4)] == [500, 500, 200, 200]


def test_a_rate_limit_says_when_to_come_back(simulator: Simulator, client: httpx.Client) -> None:
    simulator.set(rate_limit_rate=1.0, retry_after_s=3)
    answer = embed(client)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")


def test_a_cut_connection_ends_in_the_midst_of_the_body(simulator: Simulator, client: httpx.Client) -> None:
    simulator.set(cut_rate=1.0)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        embed(client)
    simulator.set(cut_rate=0.0)
    assert embed(client).status_code == 200


def test_bad_json_is_half_a_document_with_status_200(simulator: Simulator, client: httpx.Client) -> None:
    simulator.set(bad_json_rate=1.0)
    answer = embed(client)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_a_stream_can_be_cut_and_broken(simulator: Simulator, client: httpx.Client) -> None:
    body = {"messages": [{"role": "user", "content": "I moved to Lisbon in 2019."}], "stream": True}
    simulator.set(cut_rate=1.0)
    with (
        client.stream("POST", "/v1/chat/completions", json=body) as answer,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        answer.read()
    simulator.set(cut_rate=0.0, bad_json_rate=1.0)
    with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines[2])
    assert lines[-1] == "[DONE]"


def test_a_hanging_request_holds_no_thread_once_its_client_has_left(simulator: Simulator) -> None:
    simulator.set(hang_rate=1.0, hang_s=3600)
    with httpx.Client(base_url=simulator.url, timeout=0.2) as client, pytest.raises(httpx.ReadTimeout):
        embed(client)
    deadline = time.monotonic() + 10
    while simulator.open_connections and time.monotonic() < deadline:
        time.sleep(0.01)
    assert simulator.open_connections == 0


def test_a_stop_ends_requests_that_hang() -> None:
    with ThreadPoolExecutor(1) as pool, httpx.Client(timeout=60) as client:
        with Simulator(Knobs(hang_rate=1.0, hang_s=3600)) as simulator:
            asked = pool.submit(client.post, f"{simulator.api_url}/embeddings", json=ASKED)
            while not simulator.requests:
                time.sleep(0.01)
        with pytest.raises(httpx.RemoteProtocolError):
            asked.result(timeout=30)


def test_the_draw_adds_jitter_to_the_latency() -> None:
    traffic = Traffic(Knobs(latency_ms=100, jitter_ms=50), remembers=False, seed=1)
    delays = [traffic.draw()[1] for _ in range(200)]
    assert 0.1 <= min(delays) < 0.11
    assert 0.14 < max(delays) <= 0.15


def test_a_rate_of_a_tenth_is_about_a_tenth() -> None:
    traffic = Traffic(Knobs(error_rate=0.1), remembers=False, seed=1)
    faults = [traffic.draw()[0] for _ in range(2000)]
    assert 150 < faults.count(Fault.ERROR) < 250
    assert set(faults) == {Fault.ERROR, Fault.NONE}


def test_a_wrong_key_is_refused_whatever_it_is(simulator: Simulator, client: httpx.Client) -> None:
    simulator.set(wrong_key=True)
    answer = embed(client)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer right"}, 200),
        ({"api-key": "right"}, 200),
    ],
)
def test_a_required_key_is_taken_as_bearer_or_as_azures(headers: dict[str, str], status: int) -> None:
    with Simulator(key="right") as simulator:
        answer = httpx.post(f"{simulator.api_url}/embeddings", json=ASKED, headers=headers)
        assert answer.status_code == status


def test_knobs_are_turned_and_read_over_http(simulator: Simulator, client: httpx.Client) -> None:
    turned = client.post("/knobs", json={"latency_ms": 2.5, "wrong_key": True}).json()
    assert (turned["latency_ms"], turned["wrong_key"], turned["error_rate"]) == (2.5, True, 0)
    assert client.get("/knobs").json() == turned
    assert simulator.knobs.latency_ms == 2.5


@pytest.mark.parametrize(
    ("changes", "knob"),
    [
        ({"error_rate": 1.5}, "error_rate"),
        ({"error_rate": float("nan")}, "error_rate"),
        ({"hang_rate": "1"}, "hang_rate"),
        ({"fail_next": 1.5}, "fail_next"),
        ({"wrong_key": 1}, "wrong_key"),
        ({"latency_ms": -1}, "latency_ms"),
        ({"error_rate": 1.0, "explode": True}, "explode"),
    ],
)
def test_a_knob_that_can_not_be_so_is_named_and_nothing_is_turned(
    simulator: Simulator, client: httpx.Client, changes: dict[str, Any], knob: str
) -> None:
    answer = client.post("/knobs", content=json.dumps(changes), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, knob)
    with pytest.raises(KnobError, match=knob):
        simulator.set(**changes)
    assert simulator.knobs == Knobs()


def test_requests_and_bytes_are_counted(simulator: Simulator, client: httpx.Client) -> None:
    raw = json.dumps({"input": ["tea " * 500, "bread"]}).encode()
    packed = gzip.compress(raw)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert client.post("/v1/embeddings", content=packed, headers=headers).status_code == 200
    counts = client.get("/stats").json()["counts"]
    assert (counts["requests"], counts["embeddings.items"], counts["faults.none"]) == (1, 2, 1)
    assert (counts["bytes_raw"], counts["bytes_sent"]) == (len(raw), len(packed))
    (seen,) = simulator.requests
    assert (seen.operation, seen.document["input"][1]) == ("embeddings", "bread")
    assert "bread" not in repr(seen)


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{", {}, 400),
        (b"[1]", {}, 400),
        (b"no gzip", {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(b"{}", mtime=0)[:-6], {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(bytes(20_000_000), mtime=0), {"Content-Encoding": "gzip"}, 413),
        (b"{}", {"Content-Encoding": "br"}, 415),
    ],
)
def test_a_body_that_can_not_be_read_is_refused(
    client: httpx.Client, content: bytes, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/v1/embeddings", content=content, headers={"Content-Type": "application/json"} | headers)
    assert answer.status_code == status


def test_a_body_that_is_too_large_is_refused_unread(simulator: Simulator) -> None:
    with connected(simulator) as connection:
        head = "POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: 99999999999\r\n\r\n".encode())
        assert b" 413 " in connection.recv(1000)


def test_unknown_paths_are_404(client: httpx.Client) -> None:
    assert client.get("/v1/nothing").status_code == 404
    assert client.post("/v1/nothing", json={}).status_code == 404
    assert client.get("/v1/embeddings").status_code == 405


def test_many_clients_are_answered_at_once(simulator: Simulator, client: httpx.Client) -> None:
    simulator.set(latency_ms=20)
    with ThreadPoolExecutor(16) as pool:
        assert {answer.status_code for answer in pool.map(lambda _: embed(client), range(64))} == {200}
    assert simulator.counts["requests"] == 64
