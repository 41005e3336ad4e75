"""Vectors are made once for each text and model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.caching import EMBEDDING, embed_cached
from memory.caching.embeddings import Vectors

DIMENSIONS = 8


def making() -> tuple[Callable[[Sequence[str]], Vectors], list[str]]:
    made: list[str] = []

    def make(texts: Sequence[str]) -> Vectors:
        made.extend(texts)
        rows = [np.frombuffer(text.encode().ljust(DIMENSIONS, b"_")[:DIMENSIONS], np.uint8) for text in texts]
        return np.asarray(rows, np.float32).reshape(len(texts), DIMENSIONS) / np.float32(300)

    return make, made


def embed(texts: Sequence[str], make: Callable[[Sequence[str]], Vectors], model: str = "m") -> Vectors:
    return embed_cached(texts, model=model, dimensions=DIMENSIONS, make=make)


def test_only_new_texts_are_asked_for_each_once_and_rows_keep_their_order() -> None:
    make, made = making()
    first = embed(["a", "b", "a"], make)
    assert made == ["a", "b"]
    again = embed(["c", "b", "a"], make)
    assert made == ["a", "b", "c"]
    assert (again[1:] == first[[1, 2]]).all()
    EMBEDDING.forget_local()
    assert (embed(["a", "b", "a"], make) == first).all(), "from Redis, the same to the last bit"
    assert made == ["a", "b", "c"]
    assert first.dtype == np.float32


def test_models_do_not_share_vectors() -> None:
    make, made = making()
    embed(["a"], make)
    embed(["a"], make, model="other")
    assert made == ["a", "a"]


def test_vectors_that_are_not_finite_are_not_kept() -> None:
    calls: list[int] = []

    def broken(texts: Sequence[str]) -> Vectors:
        calls.append(len(texts))
        return np.full((len(texts), DIMENSIONS), np.nan, np.float32)

    for _ in range(2):
        assert np.isnan(embed(["a"], broken)).all()
    assert calls == [1, 1]


def test_what_the_provider_raises_is_raised() -> None:
    def fail(texts: Sequence[str]) -> Vectors:
        raise ConnectionError("the provider")

    with pytest.raises(ConnectionError):
        embed(["a"], fail)


def test_no_texts_are_no_vectors() -> None:
    make, made = making()
    assert embed([], make).shape == (0, DIMENSIONS)
    assert made == []


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=5), max_size=40))
def test_rows_are_those_that_the_provider_gives_for_each_text(texts: list[str]) -> None:
    make, _ = making()
    found = embed(texts, make)
    assert np.allclose(found, make(texts), atol=1e-3)
