"""What PostgreSQL knows of the memories: how often values and words occur, kept by each process for a minute."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from django.db import connection

KEPT_S: Final = 60.0
UNKNOWN: Final = 0.01  # the share of a value or word where nothing is known, as before the first ANALYZE

# A few rows of the catalogue, as of the last ANALYZE (autovacuum's, as a rule).
COLUMNS_SQL: Final = """
SELECT attname, null_frac, n_distinct, most_common_vals::text::text[], most_common_freqs::float8[],
  most_common_elems::text::text[], most_common_elem_freqs::float8[]
FROM pg_stats
WHERE schemaname = current_schema() AND tablename = 'memory_memory' AND attname <> 'embedding' AND NOT inherited
"""
SIZES_SQL: Final = """
SELECT coalesce(max(greatest(reltuples, 0)) FILTER (WHERE oid = to_regclass('memory_memory')), 0)::float8,
  coalesce(max(greatest(reltuples, 0)) FILTER (WHERE oid = to_regclass('memory_vector')), 0)::float8
FROM pg_class WHERE oid IN (to_regclass('memory_memory'), to_regclass('memory_vector'))
"""


@dataclass(frozen=True, slots=True)
class Column:
    """How a column's values are spread: the share of nulls, of common values, and of each of the others."""

    nulls: float = 0.0
    common: Mapping[str, float] = field(default_factory=dict)
    others: float = UNKNOWN


@dataclass(frozen=True, slots=True)
class Statistics:
    """Shares of all memories, how many there are, and how many of them the vector index holds."""

    columns: Mapping[str, Column] = field(default_factory=dict)
    words: Mapping[str, float] = field(default_factory=dict)
    other_words: float = UNKNOWN
    memories: float = 0.0
    indexed: float = 0.0

    def share(self, column: str, value: object) -> float:
        of = self.columns.get(column, Column())
        return of.common.get(_spelled(value), of.others)

    def nulls(self, column: str) -> float:
        """The share of rows without a value: null, or no text."""
        of = self.columns.get(column, Column())
        return of.nulls + of.common.get("", 0.0)

    def of_word(self, lexeme: str) -> float:
        return self.words.get(lexeme, self.other_words)


_kept: tuple[float, Statistics] | None = None


def current() -> Statistics:
    """As of the last minute."""
    global _kept
    if _kept is None or _kept[0] < time.monotonic():
        _kept = (time.monotonic() + KEPT_S, read())
    return _kept[1]


def forget() -> None:
    """Have this process read them anew."""
    global _kept
    _kept = None


def read() -> Statistics:
    columns: dict[str, Column] = {}
    words: dict[str, float] = {}
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS_SQL)
        for name, nulls, distinct, values, shares, elements, element_shares in cursor.fetchall():
            common = dict(zip(values or [], shares or [], strict=False))
            columns[name] = Column(nulls, common, _others(nulls, distinct, common))
            if name == "search":
                words = dict(zip(elements or [], element_shares or [], strict=False))
        cursor.execute(SIZES_SQL)
        memories, indexed = cursor.fetchone()
    # a word that is not among the common ones is rarer than the rarest of them
    other = min(words.values()) / 2 if words else UNKNOWN
    return Statistics(columns, words, other, memories, indexed)


def _others(nulls: float, distinct: float, common: Mapping[str, float]) -> float:
    """The share of each value that is not common; a negative number of distinct ones is a share of the rows."""
    rest = max(0.0, 1 - nulls - sum(common.values()))
    count = distinct - len(common) if distinct > 0 else 1000.0
    return min(UNKNOWN, rest / count) if count > 0 else 0.0


def _spelled(value: object) -> str:
    if isinstance(value, bool):
        return "t" if value else "f"
    return f"{value:g}" if isinstance(value, float) else str(value)
