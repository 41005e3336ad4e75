"""The local embedder's promises: shapes, lengths, no network, one load."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from memory.providers.local.embedder import DIMENSIONS, LocalEmbedder, tokenizer_and_vectors


def test_rows_have_length_one_and_the_promised_shape() -> None:
    rows = LocalEmbedder().embed(["Lives in Leeds", "Runs 10 km", "☃ ünï"])
    assert rows.shape == (3, DIMENSIONS)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)


def test_no_texts_give_no_rows() -> None:
    assert LocalEmbedder().embed([]).shape == (0, DIMENSIONS)


def test_a_text_without_words_is_a_row_of_zeros() -> None:
    rows = LocalEmbedder().embed(["", " \n", "Lives in Leeds"])
    assert np.linalg.norm(rows, axis=1) == pytest.approx([0, 0, 1], abs=1e-5)


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    embedder = LocalEmbedder()
    alone = embedder.embed(["Lives in Leeds"])[0]
    beside = embedder.embed(["x " * 2000, "Lives in Leeds"])[1]
    assert np.array_equal(alone, beside)


def test_likeness_shows_in_the_cosine() -> None:
    leeds, based, cello = LocalEmbedder().embed(["Lives in Leeds", "Is based in Leeds", "Plays the cello"])
    assert leeds @ based > 0.7 > leeds @ cello


def test_threads_share_one_model() -> None:
    with ThreadPoolExecutor(4) as threads:
        loaded = list(threads.map(lambda _: id(tokenizer_and_vectors()), range(8)))
    assert len(set(loaded)) == 1


def test_loading_leaves_the_root_logger_alone() -> None:
    before = [type(handler) for handler in logging.getLogger().handlers]
    tokenizer_and_vectors()
    assert [type(handler) for handler in logging.getLogger().handlers] == before
    assert (LocalEmbedder.model, LocalEmbedder.dimensions) == ("wordllama-256", 256)
