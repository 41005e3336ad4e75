"""What is asked of the generated memories: words of a stored text, and a vector near it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from bench.search.data import MODEL, NOISE, World
from memory.models import DIMENSIONS
from memory.providers.base import Embedded

# Rows spread evenly over the user's own; the vector comes as text.
SAMPLE_SQL: Final = """
SELECT text, embedding::text FROM memory_memory
WHERE workspace_id = %s AND user_id = %s AND state = 'active' ORDER BY md5(id::text) LIMIT %s
"""
FILTERS: Final[dict[str, dict[str, Any] | None]] = {
    "": None,
    "a common kind": {"kind": "identity"},  # a third of all
    "a rare kind": {"kind": "other"},  # a thirtieth
    "a key of the metadata": {"metadata.source": "source-3"},  # a tenth
}


@dataclass(frozen=True, slots=True)
class Question:
    """`embedded` is None where there is no vector; `kind` says what is asked besides words."""

    user_id: str
    query: str
    embedded: Embedded | None
    kind: str
    filter: dict[str, Any] | None


def questions(made: World, workspace_id: uuid.UUID, user_id: str, count: int) -> Iterator[Question]:
    """Six in ten ask plainly, three with a filter, one has no vector."""
    with connection.cursor() as cursor:
        cursor.execute(SAMPLE_SQL, [workspace_id, user_id, count])
        rows = cursor.fetchall()
    filters = [*[""] * 7, *list(FILTERS)[1:]]
    for number, (text, vector) in enumerate(rows):
        words = text.split()
        chosen = made.random.choice(words, size=min(len(words), int(made.random.integers(2, 5))), replace=False)
        kind = filters[number % len(filters)]
        embedded = None if number % 10 == 6 else Embedded(_near(made, vector)[None], MODEL)
        yield Question(user_id, " ".join(chosen), embedded, kind if embedded else "without a vector", FILTERS[kind])


def _near(made: World, vector: str) -> NDArray[np.float32]:
    row = np.array(vector.strip("[]").split(","), dtype=np.float32)
    row += made.random.normal(scale=NOISE / 2 / DIMENSIONS**0.5, size=DIMENSIONS).astype(np.float32)
    near: NDArray[np.float32] = row / np.linalg.norm(row)
    return near
