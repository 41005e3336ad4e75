"""Finds what a new fact may repeat: the stored memory with the same hash, and the nearest by vector, in one scope."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray
from pgvector import HalfVector

from memory.dedupe.decide import Candidate
from memory.dedupe.normalise import text_hash
from memory.models import Memory

NEAREST = 5  # stored memories that a fact is compared with

# The LIMIT runs once per fact over one user's rows (btree memory_by_user), sorted by distance: exact, no vector index.
NEAREST_SQL = """
SELECT fact.number, near.id, near.text, near.text_hash, near.similarity
FROM unnest(%(vectors)s::text[]) WITH ORDINALITY AS fact (vector, number)
CROSS JOIN LATERAL (
  SELECT id, text, text_hash, 1 - (embedding <=> fact.vector::halfvec) AS similarity
  FROM memory_memory
  WHERE workspace_id = %(workspace)s AND user_id = %(user)s AND state = 'active'
    AND agent_id = %(agent)s AND app_id = %(app)s AND run_id = %(run)s AND embedding_model = %(model)s
  ORDER BY embedding <=> fact.vector::halfvec
  LIMIT %(limit)s
) AS near
"""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose memories: facts are compared within one scope only."""

    workspace_id: uuid.UUID
    user_id: str
    agent_id: str = ""
    app_id: str = ""
    run_id: str = ""

    def fields(self) -> dict[str, Any]:
        names = ("workspace_id", "user_id", "agent_id", "app_id", "run_id")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Vectors:
    """Embeddings of texts: shape (n, dimensions), and the model that made them."""

    rows: NDArray[np.float32]
    model: str


def candidates(owner: Owner, texts: Sequence[str], vectors: Vectors) -> list[list[Candidate]]:
    """For each text its candidates among the owner's active memories, in two queries however many texts there are."""
    hashes = [text_hash(text) for text in texts]
    found: list[dict[uuid.UUID, Candidate]] = [{} for _ in texts]
    same = Memory.objects.active().filter(**owner.fields(), text_hash__in=hashes)
    by_hash = {row.text_hash: row for row in same.only("text", "text_hash")}
    for number, digest in enumerate(hashes):
        if row := by_hash.get(digest):
            found[number][row.pk] = Candidate(row.pk, row.text, row.text_hash, 1.0)
    for number, id, text, digest, similarity in _nearest(owner, vectors):
        found[number].setdefault(id, Candidate(id, text, digest, similarity))
    return [list(of_text.values()) for of_text in found]


def _nearest(owner: Owner, vectors: Vectors) -> list[tuple[int, uuid.UUID, str, str, float]]:
    places = [number for number, row in enumerate(vectors.rows) if row.any()]
    if not places:
        return []
    arguments: dict[str, Any] = {
        "vectors": [HalfVector(vectors.rows[number]).to_text() for number in places],
        "workspace": owner.workspace_id,
        "user": owner.user_id,
        "agent": owner.agent_id,
        "app": owner.app_id,
        "run": owner.run_id,
        "model": vectors.model,
        "limit": NEAREST,
    }
    with connection.cursor() as cursor:
        cursor.execute(NEAREST_SQL, arguments)
        # a memory without a vector has no similarity: the exact hash alone can find it
        return [(places[row[0] - 1], *row[1:]) for row in cursor.fetchall() if row[4] is not None]
