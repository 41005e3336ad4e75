"""Finds what new facts may repeat: the stored memory with the same hash, and the nearest by vector, in one scope."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from memory.dedupe.decide import Candidate
from memory.dedupe.halves import as_texts

NEAREST = 5  # stored memories that a fact is compared with

# One look-up per fact by the unique index memory_active_once_per_text; LATERAL with LIMIT keeps it one, whatever the
# planner believes about the size of the tables.
SAME_SQL = """
SELECT fact.number, same.id, same.text, same.text_hash
FROM unnest(%(workspaces)s::uuid[], %(users)s::text[], %(agents)s::text[], %(apps)s::text[], %(runs)s::text[],
  %(hashes)s::text[]) WITH ORDINALITY AS fact (workspace, owner, agent, app, run, hash, number)
CROSS JOIN LATERAL (
  SELECT id, text, text_hash FROM memory_memory
  WHERE workspace_id = fact.workspace AND user_id = fact.owner AND agent_id = fact.agent AND app_id = fact.app
    AND run_id = fact.run AND text_hash = fact.hash AND state = 'active'
  LIMIT 1
) AS same
"""
# The LIMIT runs once per fact over one user's rows (btree memory_by_user), sorted by distance: exact, no vector index.
# Materialized, since else the text would be read as a vector again for each of those rows. The vectors come as one
# text: in an array, psycopg looks at each letter of each of them.
NEAREST_SQL = """
WITH fact AS MATERIALIZED (
  SELECT number, workspace, owner, agent, app, run, vector::halfvec AS vector
  FROM unnest(%(workspaces)s::uuid[], %(users)s::text[], %(agents)s::text[], %(apps)s::text[], %(runs)s::text[],
    string_to_array(%(vectors)s, ';')) WITH ORDINALITY AS row (workspace, owner, agent, app, run, vector, number)
)
SELECT fact.number, near.id, near.text, near.text_hash, 1 - near.distance
FROM fact CROSS JOIN LATERAL (
  SELECT id, text, text_hash, embedding <=> fact.vector AS distance
  FROM memory_memory
  WHERE workspace_id = fact.workspace AND user_id = fact.owner AND state = 'active' AND agent_id = fact.agent
    AND app_id = fact.app AND run_id = fact.run AND embedding_model = %(model)s AND embedding IS NOT NULL
  ORDER BY distance
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

    @property
    def user(self) -> tuple[uuid.UUID, str]:
        return self.workspace_id, self.user_id


@dataclass(frozen=True, slots=True)
class Vectors:
    """Embeddings of texts: shape (n, dimensions), and the model that made them."""

    rows: NDArray[np.float32]
    model: str


def candidates(
    owners: Sequence[Owner], hashes: Sequence[str], vectors: Vectors, *, near: Sequence[bool]
) -> list[list[Candidate]]:
    """For each fact its candidates among its owner's active memories: two queries, however many facts and owners.

    `hashes` are those of the facts' texts. A fact that is stored already, spelling aside, has that memory as its only
    candidate; one that is not to be compared with the `near` ones has no other.
    """
    found: list[list[Candidate]] = [[] for _ in hashes]
    if not hashes:
        return found
    for number, id, text, digest in _same(owners, hashes):
        found[number] = [Candidate(id, text, digest, 1.0)]
    new = [place for place, known in enumerate(found) if not known and near[place] and vectors.rows[place].any()]
    for number, id, text, digest, similarity in _nearest(owners, new, vectors):
        found[number].append(Candidate(id, text, digest, similarity))
    return found


def _same(owners: Sequence[Owner], hashes: Sequence[str]) -> list[tuple[int, uuid.UUID, str, str]]:
    arguments = _columns(owners) | {"hashes": list(hashes)}
    with connection.cursor() as cursor:
        cursor.execute(SAME_SQL, arguments)
        return [(number - 1, *row) for number, *row in cursor.fetchall()]


def _nearest(
    owners: Sequence[Owner], places: Sequence[int], vectors: Vectors
) -> list[tuple[int, uuid.UUID, str, str, float]]:
    if not places:
        return []
    arguments = _columns([owners[place] for place in places])
    arguments |= {"vectors": ";".join(as_texts(vectors.rows[list(places)])), "model": vectors.model, "limit": NEAREST}
    with connection.cursor() as cursor:
        cursor.execute(NEAREST_SQL, arguments)
        return [(places[number - 1], *row) for number, *row in cursor.fetchall()]


def _columns(owners: Sequence[Owner]) -> dict[str, Any]:
    return {
        "workspaces": [owner.workspace_id for owner in owners],
        "users": [owner.user_id for owner in owners],
        "agents": [owner.agent_id for owner in owners],
        "apps": [owner.app_id for owner in owners],
        "runs": [owner.run_id for owner in owners],
    }
