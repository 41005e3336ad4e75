"""Finds what facts may repeat: the stored memory with the same hash, and those near it by meaning, words and kind."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from memory.dedupe.decide import Candidate
from memory.dedupe.stored.halves import as_texts
from memory.models import Kind

BY_WORDS: Final = 5  # stored memories that share a fact's rarest words
OF_KIND: Final = 5  # the newest of a kind that mostly has one value
FAR: Final = 0.5  # the distance from which a vector alone says nothing
RARE: Final = 0.1  # a word says something where at most ten of the user's memories have it, and two where twenty have
OFTEN: Final = 21  # how many have a word that says nothing: nobody looks for more of them
WORDS: Final = 12  # of a fact that are looked for
NEWEST: Final = 200  # memories in which a word is looked for first: most that are often there are often among them
LIMITS: Final = {
    "by_words": BY_WORDS, "of_kind": OF_KIND, "far": FAR, "rare": RARE, "often": OFTEN, "words": WORDS,
    "newest": NEWEST,
}  # fmt: skip
# What a person has one of at a time, so that a new value may end the old one, though they share no word.
SINGLE: Final = (Kind.IDENTITY, Kind.PLACE, Kind.WORK, Kind.RELATION)

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
# Materialized, since else the text would be read as a vector again for each of the user's rows. The vectors come as one
# text: in an array, psycopg looks at each letter of each of them.
NEW_SQL = """
WITH given AS (
  SELECT number, NULL::uuid AS id, workspace, owner, agent, app, run, nullif(vector, '')::halfvec AS vector,
    %(model)s AS model, string_to_array(kinds, ',') AS kinds, nearest,
    tsvector_to_array(to_tsvector('english', said)) AS words
  FROM unnest(%(workspaces)s::uuid[], %(users)s::text[], %(agents)s::text[], %(apps)s::text[], %(runs)s::text[],
    %(kinds)s::text[], %(nearest)s::int[], %(texts)s::text[], string_to_array(%(vectors)s, ';'))
    WITH ORDINALITY AS row (workspace, owner, agent, app, run, kinds, nearest, said, vector, number)
)"""
STORED_SQL = """
WITH given AS (
  SELECT row.number, of.id, workspace_id AS workspace, user_id AS owner, agent_id AS agent, app_id AS app,
    run_id AS run, embedding AS vector, embedding_model AS model, string_to_array(row.kinds, ',') AS kinds,
    %(nearest)s AS nearest, tsvector_to_array(search) AS words
  FROM unnest(%(ids)s::uuid[], %(kinds)s::text[]) WITH ORDINALITY AS row (id, kinds, number)
  JOIN memory_memory AS of ON of.id = row.id
)"""
# A query for each word, quoted, since a lexeme may be a sign.
FACT_SQL = """, fact AS MATERIALIZED (
  SELECT given.*, ARRAY(SELECT quote_literal(word)::tsquery FROM unnest(words) AS word LIMIT %(words)s) AS queries
  FROM given
)"""
# Of one user's active rows (btree memory_by_user): the nearest by distance, exact and without the vector index; those
# that share the words that few of them have; the newest of the fact's kind. All three are found in one look at them,
# `mine`: with 10,000 rows the look is what takes time. What many of the newest have is left out before.
NEAR_SQL = """
SELECT fact.number, of.id, of.text, of.text_hash,
  CASE WHEN of.embedding_model = fact.model THEN coalesce(1 - (of.embedding <=> fact.vector), 0) ELSE 0 END
FROM fact CROSS JOIN LATERAL (
  WITH newest AS MATERIALIZED (
    SELECT search FROM memory_memory
    WHERE workspace_id = fact.workspace AND user_id = fact.owner AND state = 'active' AND agent_id = fact.agent
      AND app_id = fact.app AND run_id = fact.run AND id IS DISTINCT FROM fact.id
    ORDER BY id DESC LIMIT %(newest)s
  ), rare AS MATERIALIZED (
    SELECT query FROM unnest(fact.queries) AS query
    WHERE (SELECT count(*) FROM (SELECT FROM newest WHERE search @@ query LIMIT %(often)s) AS hit) < %(often)s
  ), mine AS MATERIALIZED (
    SELECT id, kind, CASE WHEN embedding_model = fact.model THEN embedding <=> fact.vector END AS distance,
      CASE WHEN search @@ (SELECT string_agg(query::text, ' | ')::tsquery FROM rare) THEN search END AS search
    FROM memory_memory
    WHERE workspace_id = fact.workspace AND user_id = fact.owner AND state = 'active' AND agent_id = fact.agent
      AND app_id = fact.app AND run_id = fact.run AND id IS DISTINCT FROM fact.id
  )
  (
    SELECT id FROM mine WHERE distance <= %(far)s ORDER BY distance LIMIT fact.nearest
  ) UNION (
    SELECT id FROM (
      SELECT mine.id, count(*) OVER (PARTITION BY query) AS often FROM rare JOIN mine ON mine.search @@ query
    ) AS shared WHERE often < %(often)s
    GROUP BY id HAVING sum(1.0 / often) >= %(rare)s ORDER BY sum(1.0 / often) DESC, id LIMIT %(by_words)s
  ) UNION (
    SELECT id FROM mine WHERE kind = ANY (fact.kinds) ORDER BY id DESC LIMIT %(of_kind)s
  )
) AS near JOIN memory_memory AS of ON of.id = near.id
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


@dataclass(frozen=True, slots=True)
class Fact:
    """What candidates are looked for by: how many by vector, to which BY_WORDS and OF_KIND come; 0 is none at all."""

    owner: Owner
    text: str
    text_hash: str
    kind: str
    nearest: int


def candidates(facts: Sequence[Fact], vectors: Vectors) -> list[list[Candidate]]:
    """For each fact its candidates among its owner's active memories: two queries, however many facts and owners.

    `vectors.rows` has a row per fact. A fact that is stored already, spelling aside, has that memory as its only
    candidate, and so has one that has no `nearest`.
    """
    found: list[list[Candidate]] = [[] for _ in facts]
    if not facts:
        return found
    for number, id, text, digest in _rows(SAME_SQL, _columns(facts) | {"hashes": [fact.text_hash for fact in facts]}):
        found[number - 1] = [Candidate(id, text, digest, 1.0)]
    new = [place for place, fact in enumerate(facts) if fact.nearest and not found[place]]
    if not new:
        return found
    asked = [facts[place] for place in new]
    arguments = _columns(asked) | {
        "model": vectors.model,
        "vectors": ";".join(_texts(vectors.rows[new])),
        "kinds": [",".join(kinds_beside(fact.kind)) for fact in asked],
        "nearest": [fact.nearest for fact in asked],
        "texts": [fact.text for fact in asked],
    }
    for number, *fields in _rows(NEW_SQL + FACT_SQL + NEAR_SQL, arguments | LIMITS):
        found[new[number - 1]].append(Candidate(*fields))
    return found


def neighbours(memories: Sequence[tuple[uuid.UUID, str]], *, nearest: int) -> list[list[Candidate]]:
    """The same for stored memories, given by id and kind: each one's candidates are the others of its scope."""
    found: list[list[Candidate]] = [[] for _ in memories]
    if not memories:
        return found
    ids = [id for id, _ in memories]
    kinds = [",".join(kinds_beside(kind)) for _, kind in memories]
    for number, *fields in _rows(
        STORED_SQL + FACT_SQL + NEAR_SQL, {"ids": ids, "kinds": kinds, "nearest": nearest} | LIMITS
    ):
        found[number - 1].append(Candidate(*fields))
    return found


def kinds_beside(kind: str) -> tuple[str, ...]:
    """The kinds of which the newest memories are compared with one of this kind, whatever words they have."""
    if kind == Kind.OTHER:
        return (*SINGLE, Kind.OTHER)
    return (kind, Kind.OTHER) if kind in SINGLE else ()


def _rows(statement: str, arguments: dict[str, Any]) -> Iterable[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _texts(rows: NDArray[np.float32]) -> list[str]:
    """What has no vector, since none of its words has one, is empty."""
    return [text if row.any() else "" for text, row in zip(as_texts(rows), rows, strict=True)]


def _columns(facts: Sequence[Fact]) -> dict[str, Any]:
    owners = [fact.owner for fact in facts]
    return {
        "workspaces": [owner.workspace_id for owner in owners],
        "users": [owner.user_id for owner in owners],
        "agents": [owner.agent_id for owner in owners],
        "apps": [owner.app_id for owner in owners],
        "runs": [owner.run_id for owner in owners],
    }
