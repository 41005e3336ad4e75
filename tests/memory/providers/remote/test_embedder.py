"""Vectors from an endpoint: in order, of length 1, of 256 dimensions, or an error."""

from __future__ import annotations

import base64
import math
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.providers.base import ProviderBadAnswerError, ProviderRefusedError, ProviderUnavailableError
from memory.providers.local.embedder import LocalEmbedder
from memory.providers.remote.embedder import TEXT_BYTES, cut
from memory.providers.remote.embedder import vectors as read
from memory.providers.remote.profiles import AZURE, COMPATIBLE, MISTRAL, OPENAI
from memory.providers.simulator import Simulator
from tests.memory.providers.remote.made import Asked, Says, Scripted, make_embedder, vectors


def by_text(asked: Asked, _: BaseHTTPRequestHandler) -> Says:
    return vectors(len(asked.document["input"]))


def test_the_simulators_vectors_are_the_local_ones_row_by_row() -> None:
    texts = ["Lives in Leeds", "", "Is allergic to peanuts", "   ", "日本"]
    with Simulator() as simulator:
        rows = make_embedder(simulator.api_url).embed(texts)
        assert simulator.requests[0].document["input"] == ["Lives in Leeds", "Is allergic to peanuts", "日本"]
    # a halfvec's precision
    np.testing.assert_allclose(rows, LocalEmbedder().embed(texts), atol=1e-3)
    assert not rows[1].any()


def test_nothing_to_embed_asks_nobody() -> None:
    with Scripted(by_text) as server:
        assert make_embedder(server.url).embed([]).shape == (0, 256)
        assert not make_embedder(server.url).embed(["", " \n"]).any()
    assert server.asked == []


def test_a_text_that_was_embedded_before_is_not_asked_for_again() -> None:
    with Scripted(by_text) as server:
        embedder = make_embedder(server.url)
        embedder.embed(["one", "two"])
        embedder.embed(["two", "three"])
    assert [asked.document["input"] for asked in server.asked] == [["one", "two"], ["three"]]


def test_many_texts_are_as_few_requests_as_the_profile_allows() -> None:
    with Scripted(by_text) as server:
        rows = make_embedder(server.url).embed([f"text {number}" for number in range(300)])
    assert [len(asked.document["input"]) for asked in server.asked] == [128, 128, 44]
    assert rows.shape == (300, 256)
    assert rows[129].argmax() == 1


def test_an_endpoint_that_takes_fewer_texts_is_asked_with_fewer_from_then_on() -> None:
    def small(asked: Asked, handler: BaseHTTPRequestHandler) -> Says:
        return by_text(asked, handler) if len(asked.document["input"]) <= 32 else Says(413)

    with Scripted(small) as server:
        embedder = make_embedder(server.url)
        assert embedder.embed([f"text {number}" for number in range(70)]).shape == (70, 256)
        embedder.embed([f"other {number}" for number in range(20)])
    sizes = [len(asked.document["input"]) for asked in server.asked]
    assert sizes == [70, 35, 17, 17, 17, 17, 2, 17, 3]


def test_a_long_text_is_cut_to_what_every_model_takes() -> None:
    with Scripted(by_text) as server:
        make_embedder(server.url).embed(["é" * 10_000])
    (sent,) = server.asked[0].document["input"]
    assert sent == "é" * (TEXT_BYTES // 2)


@settings(deadline=None)
@given(st.text(st.characters(codec=None), max_size=3000))
def test_a_cut_text_is_a_beginning_within_the_limit(text: str) -> None:
    found = cut(text * 4)
    assert len(found.encode()) <= TEXT_BYTES
    assert (text * 4).encode("utf-8", "replace").decode().startswith(found)


def test_the_profile_decides_what_is_asked_for() -> None:
    with Scripted(by_text) as server:
        for profile in (OPENAI, AZURE, MISTRAL, COMPATIBLE):
            make_embedder(server.url, profile=profile).embed([f"for {profile.name}"])
    openai, azure, mistral, compatible = server.asked
    assert (openai.path, azure.path) == (
        "/embeddings",
        "/openai/deployments/test-model/embeddings?api-version=2024-10-21",
    )
    assert (openai.headers["Authorization"], azure.headers["api-key"]) == ("Bearer sk-test", "sk-test")
    assert "Authorization" not in azure.headers
    assert [asked.document.get("dimensions") for asked in server.asked] == [256, 256, None, 256]
    assert [asked.document.get("encoding_format") for asked in server.asked] == ["base64", "base64", None, None]
    assert compatible.document["model"] == "test-model"
    assert mistral.document == {"model": "test-model", "input": ["for mistral"]}


def test_another_version_of_azures_api_stands_in_the_address() -> None:
    with Scripted(by_text) as server:
        make_embedder(f"{server.url}/?api-version=2025-01-01", profile=AZURE).embed(["x"])
    assert server.asked[0].path == "/openai/deployments/test-model/embeddings?api-version=2025-01-01"


def test_fields_that_the_endpoint_does_not_know_are_left_out_from_then_on() -> None:
    def plain(asked: Asked, handler: BaseHTTPRequestHandler) -> Says:
        return Says(422) if "dimensions" in asked.document else vectors(len(asked.document["input"]), size=384)

    with Scripted(plain) as server:
        embedder = make_embedder(server.url)
        assert embedder.embed(["one"]).shape == (1, 256)
        embedder.embed(["two"])
    assert ["dimensions" in asked.document for asked in server.asked] == [True, False, False]


def test_a_field_that_was_taken_once_is_not_to_blame_for_a_later_refusal() -> None:
    with Scripted(by_text, Says(400)) as server:
        embedder = make_embedder(server.url)
        embedder.embed(["one"])
        with pytest.raises(ProviderRefusedError):
            embedder.embed(["two"])
    assert len(server.asked) == 2


def test_more_dimensions_are_cut_and_scaled_to_length_one() -> None:
    rows = read({"data": [{"index": 0, "embedding": [3.0, 4.0] + [0.0] * 254 + [12.0] * 768}]}, 1)
    assert rows.shape == (1, 256)
    np.testing.assert_allclose(rows[0, :2], [0.6, 0.8], rtol=1e-6)


def test_rows_are_ordered_by_their_index() -> None:
    data = [{"index": at, "embedding": [float(at == place) for place in range(256)]} for at in (2, 0, 1)]
    np.testing.assert_array_equal(read({"data": data}, 3).argmax(axis=1), [0, 1, 2])


def test_base64_is_read_as_little_endian_floats() -> None:
    row = np.arange(1, 257, dtype="<f4")
    found = read({"data": [{"index": 0, "embedding": base64.b64encode(row.tobytes()).decode()}]}, 1)
    np.testing.assert_allclose(found[0], row / np.linalg.norm(row), rtol=1e-6)


GOOD = [1.0] * 256


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"data": "no list"},
        {"data": []},
        {"data": [{"index": 0, "embedding": GOOD}]},
        {"data": [{"index": 0, "embedding": GOOD}, {"index": 0, "embedding": GOOD}]},
        {"data": [{"index": 0, "embedding": GOOD}, {"index": 5, "embedding": GOOD}]},
        {"data": [{"index": 0, "embedding": GOOD}, {"embedding": GOOD}]},
        {"data": [{"index": 0, "embedding": GOOD}, {"index": 1, "embedding": GOOD[:100]}]},
        {"data": [{"index": 0, "embedding": GOOD}, {"index": 1, "embedding": [*GOOD[1:], math.nan]}]},
        {"data": [{"index": 0, "embedding": GOOD}, {"index": 1, "embedding": [*GOOD[1:], math.inf]}]},
        {"data": [{"index": 0, "embedding": GOOD}, {"index": 1, "embedding": [*GOOD[1:], "x"]}]},
        {"data": [{"index": 0, "embedding": GOOD}, {"index": 1, "embedding": [*GOOD[1:], None]}]},
        {"data": [{"index": 0, "embedding": GOOD}, {"index": 1, "embedding": {"no": "list"}}]},
        {"data": [{"index": 0, "embedding": GOOD}, {"index": 1, "embedding": "no base64!"}]},
        {"data": [{"index": 0, "embedding": GOOD}, {"index": 1, "embedding": [[1.0] * 256]}]},
        {"data": [{"index": 0, "embedding": GOOD}, None]},
        {"data": [{"index": 0, "embedding": [1.0] * 100}, {"index": 1, "embedding": [1.0] * 100}]},
    ],
)
def test_vectors_that_are_not_what_was_asked_for_are_a_bad_answer(document: dict[str, Any]) -> None:
    with pytest.raises(ProviderBadAnswerError):
        read(document, 2)


def test_huge_numbers_keep_their_direction() -> None:
    rows = read({"data": [{"index": 0, "embedding": [1e300] * 256}]}, 1)
    np.testing.assert_allclose(np.linalg.norm(rows), 1.0, rtol=1e-5)


def test_threads_that_embed_at_the_same_time_share_requests() -> None:
    with Simulator() as simulator:
        simulator.set(latency_ms=30)
        embedder = make_embedder(simulator.api_url)
        found: dict[int, np.ndarray] = {}
        begin = threading.Barrier(8)

        def work(number: int) -> None:
            begin.wait()
            for turn in range(3):
                found[number * 10 + turn] = embedder.embed([f"person {number} says {turn}"])[0]

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert simulator.counts["embeddings.items"] == 24
        assert simulator.counts["embeddings.requests"] < 24
    expected = LocalEmbedder().embed([f"person {number // 10} says {number % 10}" for number in found])
    np.testing.assert_allclose(np.stack(list(found.values())), expected, atol=1e-3)


def test_a_failure_is_raised_and_nothing_of_it_is_kept() -> None:
    with Scripted(Says(500), by_text) as server:
        embedder = make_embedder(server.url)
        with pytest.raises(ProviderUnavailableError):
            embedder.embed(["one"])
        assert embedder.embed(["one"])[0].any()
