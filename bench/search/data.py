"""Generated memories: users of skewed sizes, texts of topics with Zipf's words, vectors in clusters; by one seed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import orjson
from django.db import connection
from numpy.typing import NDArray

from memory.dedupe.normalise import text_hash
from memory.dedupe.stored.halves import as_bytes
from memory.models import DIMENSIONS, Kind
from monitoring.ids import uuid7

SEED: Final = 20261112
NOW: Final = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
TOPICS, WORDS, OF_TOPIC = 400, 20_000, 30
NOISE: Final = 0.9  # length of a text's own part, beside its topic's 1
MODEL: Final = "bench"
# the largest users' shares of all memories; the rest is spread over the others, most of them small
LARGE: Final = (0.10, 0.06, 0.04, 0.03, 0.02, 0.02, 0.02)
FIXED: Final = (100, 1_000, 3_000, 10_000, 20_000)  # users of just these sizes, as far as there is room
CHUNK: Final = 20_000
COLUMNS: Final = {
    "id": "uuid", "created_at": "timestamptz", "updated_at": "timestamptz", "valid_from": "timestamptz",
    "workspace_id": "uuid", "user_id": "text", "agent_id": "text", "app_id": "text", "run_id": "text", "text": "text",
    "text_hash": "text", "kind": "text", "state": "text", "importance": "float8", "pinned": "bool", "metadata": "bytea",
    "embedding": "bytea", "embedding_model": "text", "version": "int4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """What texts and vectors are drawn from."""

    random: np.random.Generator
    words: list[str]
    shares: NDArray[np.float64]  # of each word, by Zipf
    topics: NDArray[np.float32]  # centres, shape (TOPICS, DIMENSIONS)
    of_topic: NDArray[np.int64]  # words of each topic, shape (TOPICS, OF_TOPIC)


def world() -> World:
    random = np.random.default_rng(SEED)
    shares = 1 / np.arange(3, WORDS + 3)
    shares /= shares.sum()
    centres = random.normal(size=(TOPICS, DIMENSIONS)).astype(np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    of_topic = random.choice(WORDS, size=(TOPICS, OF_TOPIC), p=shares**0.5 / (shares**0.5).sum())
    return World(random, _words(random), shares, centres, of_topic)


def _words(random: np.random.Generator) -> list[str]:
    """Words that nobody knows, so that no dictionary drops or stems them much."""
    syllables = [a + b for a in "bdfgklmnprtvz" for b in "aiou"]
    found: dict[str, None] = {}
    while len(found) < WORDS:
        found["".join(random.choice(syllables, size=random.integers(2, 5)))] = None
    return list(found)


def sizes(users: int, memories: int) -> list[int]:
    """How many memories each user has, the largest first; the fixed ones are where the name says so."""
    fixed = [size for size in FIXED if size <= memories / 5]
    large = [int(memories * share) for share in LARGE]
    rest = max(0, memories - sum(fixed) - sum(large))
    count = max(1, users - len(fixed) - len(large))
    spread = np.random.default_rng(SEED).lognormal(0, 1, count)
    small = np.maximum(1, spread / spread.sum() * rest).astype(int).tolist()
    return sorted([*fixed, *large, *small], reverse=True)


def load(made: World, workspace_id: uuid.UUID, users: list[int]) -> None:
    """Write them by COPY: in a random order, as users write beside each other."""
    names = np.repeat(np.arange(len(users)), users)
    made.random.shuffle(names)
    for start in range(0, len(names), CHUNK):
        _copy(list(_rows(made, workspace_id, names[start : start + CHUNK])))


def _rows(made: World, workspace_id: uuid.UUID, names: NDArray[np.int64]) -> Iterator[tuple[Any, ...]]:
    count, random = len(names), made.random
    topics = random.integers(0, TOPICS, count)
    halves = as_bytes(vectors(made, made.topics[topics]))
    common = random.choice(WORDS, size=(count, 4), p=made.shares)
    own = made.of_topic[topics[:, None], random.integers(0, OF_TOPIC, size=(count, 5))]
    lengths = random.integers(4, 10, count)
    kinds = random.choice(len(Kind), size=count, p=_kinds())
    ages = random.exponential(120, count)
    importance = random.choice([0.3, 0.5, 0.7, 0.9], size=count)
    for place, name in enumerate(names.tolist()):
        chosen = [*own[place], *common[place]][: lengths[place]]
        text = " ".join(made.words[word] for word in chosen)
        at = NOW - timedelta(days=float(ages[place]))
        metadata = {"source": f"source-{int(topics[place]) % 10}", "number": place % 1000}
        yield (
            uuid7(), at, at, at, workspace_id, f"user-{name}", "", "", "", text, text_hash(text)[:24] + f"{place:08x}",
            Kind.values[kinds[place]], "active", float(importance[place]), False, b"\x01" + orjson.dumps(metadata),
            halves[place], MODEL, 1,
        )  # fmt: skip


def vectors(made: World, centres: NDArray[np.float32]) -> NDArray[np.float32]:
    """One near each centre."""
    noise = made.random.normal(scale=NOISE / DIMENSIONS**0.5, size=centres.shape).astype(np.float32)
    rows: NDArray[np.float32] = centres + noise
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def _kinds() -> NDArray[np.float64]:
    shares: NDArray[np.float64] = 1 / np.arange(1, len(Kind) + 1)
    shares /= shares.sum()
    return shares


def _copy(rows: list[tuple[Any, ...]]) -> None:
    statement = f"COPY memory_memory ({', '.join(COLUMNS)}) FROM STDIN (FORMAT binary)"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(list(COLUMNS.values()))
        for row in rows:
            copy.write_row(row)
