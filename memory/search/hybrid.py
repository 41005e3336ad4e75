"""Finds one user's memories by meaning and by words."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import orjson
from django.db import connection
from pgvector import HalfVector

from memory.providers.base import Embedded

K = 60  # of reciprocal rank fusion
DEPTH = 4  # candidates of each index, as a multiple of the limit

# Vectors of different models have nothing to do with each other: only rows of the query's model are compared, and the
# others (an embedding that is to be redone, or a model that was changed) are found by their words.
# Both halves read one user's rows through the btree memory_by_user: the exact scan costs about 1 µs a row, and a
# vector index behind a filter on a small scope is slow and wrong. The words are joined by OR, so that one word of a
# question is enough to be a candidate. An empty word list makes the text half empty.
# Fusion: G. Cormack et al., "Reciprocal Rank Fusion", SIGIR 2009: the sum of 1 / (k + rank) over the rankings,
# here divided by its maximum, so that a memory that leads both scores 1.
SEARCH_SQL = """
WITH scope AS MATERIALIZED (
  SELECT id, embedding, embedding_model, search
  FROM memory_memory
  WHERE workspace_id = %(workspace)s AND user_id = %(user)s AND state = 'active'
    AND (expires_at IS NULL OR expires_at > %(now)s)
    AND (%(kinds)s::text[] IS NULL OR kind = ANY (%(kinds)s::text[]))
    AND (%(agent)s::text IS NULL OR agent_id = %(agent)s::text)
    AND (%(metadata)s::jsonb IS NULL OR metadata @> %(metadata)s::jsonb)
), words AS (
  SELECT to_tsquery('english', nullif(replace(plainto_tsquery('english', %(query)s)::text, ' & ', ' | '), '')) AS query
), by_vector AS (
  SELECT id, row_number() OVER (ORDER BY embedding <=> %(vector)s::halfvec) AS rank,
    1 - (embedding <=> %(vector)s::halfvec) AS similarity
  FROM scope WHERE embedding IS NOT NULL AND embedding_model = %(model)s AND %(vector)s::text IS NOT NULL
  ORDER BY rank LIMIT %(depth)s
), by_text AS (
  SELECT id, row_number() OVER (ORDER BY ts_rank(search, words.query) DESC, id DESC) AS rank
  FROM scope, words WHERE search @@ words.query
  ORDER BY rank LIMIT %(depth)s
)
SELECT m.id, m.text, m.kind, m.created_at, m.valid_from, m.importance, m.pinned, m.metadata, m.agent_id, m.app_id,
  m.run_id, m.updated_at,
  (coalesce(1.0 / (%(k)s + v.rank), 0) + coalesce(1.0 / (%(k)s + t.rank), 0)) * (%(k)s + 1) / 2 AS score,
  v.rank, v.similarity, t.rank
FROM by_vector v FULL JOIN by_text t USING (id) JOIN memory_memory m USING (id)
ORDER BY score DESC, m.id DESC
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Filters:
    """What search is narrowed to; None means no limit."""

    kinds: Sequence[str] | None = None
    agent_id: str | None = None
    metadata: str | None = None  # JSON object that the memory's metadata must contain


@dataclass(frozen=True, slots=True)
class Why:
    """Where a hit stood in each ranking: 1 is first, None is not among the candidates."""

    vector_rank: int | None
    similarity: float | None
    text_rank: int | None


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory that was found; score is 0 to 1."""

    id: uuid.UUID
    text: str
    kind: str
    created_at: datetime
    valid_from: datetime | None
    importance: float
    pinned: bool
    metadata: dict[str, Any]
    agent_id: str
    app_id: str
    run_id: str
    updated_at: datetime
    score: float
    why: Why


NOTHING = Filters()
COLUMNS = [column.name for column in fields(Hit) if column.name != "why"]


def search(
    *,
    workspace_id: uuid.UUID,
    user_id: str,
    query: str,
    embedded: Embedded | None,
    now: datetime,
    limit: int = 10,
    filters: Filters = NOTHING,
) -> list[Hit]:
    """The user's active memories nearest to `query`, best first.

    `embedded` is the query's own vector, one row; without it, or where the row is zero, words alone count.
    """
    vector = embedded.rows[0] if embedded is not None and embedded.rows[0].any() else None
    arguments: dict[str, Any] = {
        "workspace": workspace_id,
        "user": user_id,
        "now": now,
        "query": query,
        "vector": HalfVector(vector).to_text() if vector is not None else None,
        "model": embedded.model if embedded is not None else "",
        "kinds": list(filters.kinds) if filters.kinds else None,
        "agent": filters.agent_id,
        "metadata": filters.metadata,
        "depth": DEPTH * limit,
        "limit": limit,
        "k": K,
    }
    with connection.cursor() as cursor:
        cursor.execute(SEARCH_SQL, arguments)
        return [_hit(row) for row in cursor.fetchall()]


def _hit(row: tuple[Any, ...]) -> Hit:
    facts = dict(zip(COLUMNS, row[:13], strict=True))
    # Django's cursors leave jsonb as text, and PostgreSQL's numeric is no float
    facts |= {"metadata": orjson.loads(facts["metadata"]), "score": float(facts["score"])}
    return Hit(**facts, why=Why(*row[13:]))
