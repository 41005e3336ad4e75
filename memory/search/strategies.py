"""Finds candidates: by reading the whole scope, by the vector index, by the rarest words, or the newest ones."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from memory.search.filters import Filter
from memory.search.found import Row
from memory.search.rewrite import TERMS

CAP: Final = 2_000  # rows with one of the rarest words that are ranked
# BM25 with the values that suit short texts, where a word occurs once: k1 and b.
K1, B = 0.9, 0.4
LENGTH: Final = 6.0  # words of a usual memory, where the scope's mean is not known

# Times as seconds since 1970, and JSON as text: most candidates are no hits, and need not be turned into Python's.
_SHOWN: Final = """
  m.id, m.kind, m.pinned, m.importance, extract(epoch FROM coalesce(m.valid_from, m.created_at))::float8,
  m.text, m.state, extract(epoch FROM m.created_at)::float8, extract(epoch FROM m.updated_at)::float8,
  extract(epoch FROM m.valid_from)::float8, extract(epoch FROM m.valid_to)::float8, m.metadata::text, m.agent_id,
  m.app_id, m.run_id"""
_IS_LARGE: Final = """coalesce((
  SELECT is_large FROM memory_tally WHERE workspace_id = %(workspace)s AND user_id = %(user)s
), false)"""
_BM25: Final = f"{K1 + 1} / (1 + {K1} * ({1 - B} + {B} * length(m.search) / %(length)s::float8))"

# One pass over the scope by the btree memory_by_user, about 1 µs a row: distances, and which rows have one of the
# question's words. Those alone are looked at word by word. How rare a word is, is counted in the scope itself.
# A large scope is not read but where the plan says so: is_large tells, in the same round trip, that there is a plan to
# make. One row comes back in any case.
EXACT_SQL: Final = f"""
WITH terms AS MATERIALIZED (
  SELECT lexeme, ('''' || replace(replace(lexeme, '\\', '\\\\'), '''', '''''') || '''')::tsquery AS query
  FROM unnest(tsvector_to_array(to_tsvector('english', %(words)s))) AS lexeme LIMIT {TERMS}
), one AS MATERIALIZED (
  SELECT string_agg(query::text, ' | ')::tsquery AS query FROM terms
), tally AS MATERIALIZED (
  SELECT {_IS_LARGE} AS is_large
), scope AS MATERIALIZED (
  SELECT m.id, CASE WHEN m.search @@ one.query THEN m.search END AS search,
    CASE WHEN m.embedding_model = %(model)s THEN nullif(1 - (m.embedding <=> %(vector)s::halfvec), 'NaN') END
      AS similarity
  FROM memory_memory AS m CROSS JOIN one
  WHERE {{where}} AND (%(any_size)s OR NOT (SELECT is_large FROM tally))
), size AS MATERIALIZED (
  SELECT count(*) AS rows, greatest(avg(length(search)), 1)::float8 AS length FROM scope
), near AS (
  SELECT id, similarity FROM scope WHERE similarity IS NOT NULL ORDER BY similarity DESC LIMIT %(depth)s
), worded AS MATERIALIZED (
  SELECT id, length(search) AS length, search FROM scope WHERE search IS NOT NULL
), matches AS MATERIALIZED (
  SELECT worded.id, worded.length, terms.lexeme FROM worded JOIN terms ON worded.search @@ terms.query
), weights AS (
  SELECT lexeme, ln(1 + (size.rows - count(*) + 0.5::float8) / (count(*) + 0.5::float8)) AS weight
  FROM matches CROSS JOIN size GROUP BY lexeme, size.rows
), said AS (
  SELECT id, sum(weight * {K1 + 1} / (1 + {K1} * ({1 - B} + {B} * matches.length / size.length))) AS score
  FROM matches JOIN weights USING (lexeme) CROSS JOIN size GROUP BY id ORDER BY score DESC, id DESC LIMIT %(depth)s
)
SELECT tally.is_large, size.rows, {_SHOWN}, near.similarity, said.score
FROM tally CROSS JOIN size LEFT JOIN (near FULL JOIN said USING (id)) ON true LEFT JOIN memory_memory AS m USING (id)
"""
# The partial index memory_vector holds the active rows of large scopes alone, hence the two conditions that name it,
# and the tally's: rows leave the index only when it says that the scope is no longer large. Sorting is switched off,
# since PostgreSQL, which does not know how near rows lie, may prefer to sort the scope.
HNSW_SETTINGS_SQL: Final = """
SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', %s, true),
  set_config('hnsw.max_scan_tuples', %s, true), set_config('hnsw.scan_mem_multiplier', '4', true),
  set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true)
"""
RESET_SQL: Final = "SELECT set_config('enable_sort', 'on', true), set_config('enable_seqscan', 'on', true)"
HNSW_SQL: Final = f"""
SELECT {_SHOWN}, 1 - (m.embedding <=> %(vector)s::halfvec) AS similarity
FROM memory_memory AS m
WHERE {{where}} AND m.state = 'active' AND m.in_large_scope AND m.embedding_model = %(model)s AND {_IS_LARGE}
ORDER BY m.embedding <=> %(vector)s::halfvec
LIMIT %(depth)s
"""
# At most CAP rows are ranked: with OR over common words, ranking alone would cost 1 to 2 µs a row of the whole scope.
WORDS_SQL: Final = f"""
WITH terms AS MATERIALIZED (
  SELECT query::tsquery AS query, weight FROM unnest(%(queries)s::text[], %(weights)s::float8[]) AS t (query, weight)
), found AS MATERIALIZED (
  SELECT m.id, m.search FROM memory_memory AS m
  WHERE {{where}} AND m.search @@ %(rarest)s::tsquery LIMIT {CAP}
), said AS (
  SELECT m.id, sum(terms.weight * {_BM25})::float8 AS score
  FROM found AS m JOIN terms ON m.search @@ terms.query
  GROUP BY m.id ORDER BY score DESC, m.id DESC LIMIT %(depth)s
)
SELECT {_SHOWN}, said.score FROM said JOIN memory_memory AS m USING (id) ORDER BY said.score DESC, m.id DESC
"""
# From the end of the btree memory_by_user; a time that was named comes first.
RECENT_SQL: Final = f"""
SELECT {_SHOWN} FROM memory_memory AS m
WHERE {{where}} ORDER BY m.id DESC LIMIT %(depth)s
"""
OF_A_TIME_SQL: Final = f"""
SELECT {_SHOWN} FROM memory_memory AS m
WHERE {{where}} AND EXISTS (
  SELECT FROM unnest(%(firsts)s::timestamptz[], %(ends)s::timestamptz[]) AS span (first, beyond)
  WHERE coalesce(m.valid_from, m.created_at) >= first AND coalesce(m.valid_from, m.created_at) < beyond
)
ORDER BY m.id DESC LIMIT %(depth)s
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose memories, and which of them."""

    workspace_id: uuid.UUID
    user_id: str
    filter: Filter
    now: datetime

    @property
    def user(self) -> tuple[uuid.UUID, str]:
        return self.workspace_id, self.user_id

    @property
    def is_active_only(self) -> bool:
        return not self.filter.mentions("state")

    def where(self) -> tuple[str, dict[str, Any]]:
        """The condition over `m`, with its parameters; active and unexpired ones, unless the filter speaks of that."""
        values: dict[str, Any] = {"workspace": self.workspace_id, "user": self.user_id, "now": self.now}

        def bind(value: Any) -> str:
            name = f"f{len(values)}"
            values[name] = value
            return f"%({name})s"

        parts = ["m.workspace_id = %(workspace)s AND m.user_id = %(user)s"]
        if self.is_active_only:
            parts.append("m.state = 'active'")
        if not self.filter.mentions("expires_at"):
            parts.append("(m.expires_at IS NULL OR m.expires_at > %(now)s)")
        if self.filter.root.parts:
            parts.append(self.filter.sql(bind))
        return " AND ".join(parts), values


@dataclass(slots=True)
class Candidates:
    """What one part of a question found: two rankings of rows, the best first."""

    near: list[tuple[Row, float]] = field(default_factory=list)
    said: list[tuple[Row, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """One part of a question as PostgreSQL is asked: its vector in text, None where there is none."""

    words: str
    vector: str | None
    model: str


@dataclass(frozen=True, slots=True)
class Term:
    """A word in its stem, the share of memories that are expected to have it, and what it weighs."""

    lexeme: str
    share: float
    weight: float

    @property
    def query(self) -> str:
        quoted = self.lexeme.replace("\\", "\\\\").replace("'", "''")
        return f"'{quoted}'"


def exact(scope: Scope, asked: Asked, depth: int, *, any_size: bool) -> tuple[Candidates, int] | None:
    """The candidates and the rows of the scope; None for a large scope, unless `any_size`."""
    where, values = scope.where()
    values |= {"words": asked.words, "vector": asked.vector, "model": asked.model if asked.vector else None}
    rows = _fetch(EXACT_SQL, where, values | {"depth": depth, "any_size": any_size})
    if rows[0][0] and not any_size:
        return None
    found = Candidates()
    for _, _, *columns, similarity, score in rows:
        if columns[0] is not None:
            _keep(found, columns, similarity, score)
    found.near.sort(key=lambda one: one[1], reverse=True)
    found.said.sort(key=lambda one: (one[1], one[0].id), reverse=True)
    return found, rows[0][1]


def nearest(scope: Scope, asked: Asked, depth: int, *, ef_search: int, max_scan: int) -> Candidates | None:
    """The nearest by the vector index, without words; None where it gives none, as when the scope has left it."""
    where, values = scope.where()
    values |= {"vector": asked.vector, "model": asked.model, "depth": depth}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(HNSW_SETTINGS_SQL, [str(ef_search), str(max_scan)])
        rows = _fetch(HNSW_SQL, where, values)
        if connection.in_atomic_block and len(connection.atomic_blocks) > 1:
            cursor.execute(RESET_SQL)  # the settings end with the transaction, which is somebody else's
    if not rows:
        return None
    found = Candidates()
    for *columns, similarity in rows:
        _keep(found, columns, similarity, None)
    found.near.sort(key=lambda one: one[1], reverse=True)
    return found


def worded(scope: Scope, depth: int, *, terms: Sequence[Term], rarest: str) -> Candidates:
    """Those that have what `rarest` asks for, ranked by all terms."""
    found = Candidates()
    if not terms:
        return found
    where, values = scope.where()
    values |= {"queries": [term.query for term in terms], "weights": [term.weight for term in terms]}
    for *columns, score in _fetch(WORDS_SQL, where, values | {"rarest": rarest, "depth": depth, "length": LENGTH}):
        _keep(found, columns, None, score)
    return found


def recent(scope: Scope, depth: int, *, firsts: Sequence[datetime] = (), ends: Sequence[datetime] = ()) -> list[Row]:
    """The newest; of the times that were named, where there are any."""
    where, values = scope.where()
    values |= {"depth": depth}
    if firsts:
        rows = _fetch(OF_A_TIME_SQL, where, values | {"firsts": list(firsts), "ends": list(ends)})
        if rows:
            return [Row._make(row) for row in rows]
    return [Row._make(row) for row in _fetch(RECENT_SQL, where, values)]


def _fetch(sql: str, where: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql.format(where=where), values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _keep(found: Candidates, columns: Sequence[Any], similarity: float | None, score: float | None) -> None:
    row = Row._make(columns)
    if similarity is not None:
        found.near.append((row, similarity))
    if score is not None:
        found.said.append((row, score))
