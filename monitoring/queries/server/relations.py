"""Tables that are read from end to end, and indexes that nobody uses or that another one makes needless."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from monitoring.queries.server.asked import kept, rows

BIG_ROWS: Final = 10_000  # a table under this is read from end to end for good reasons
SCANS: Final = 10  # fewer may be somebody at the keyboard
SHARE: Final = 0.3  # of the table that a scan reads on average
SHOWN: Final = 20
SMALL_BYTES: Final = 64 * 1024  # an index under this costs nothing worth a decision

TABLES_SQL: Final = """
SELECT relid::regclass::text AS name, n_live_tup AS live, n_dead_tup AS dead, seq_scan AS scans,
  seq_tup_read AS read, coalesce(idx_scan, 0) AS index_scans, n_tup_ins + n_tup_upd + n_tup_del AS writes,
  greatest(last_vacuum, last_autovacuum) AS vacuumed, greatest(last_analyze, last_autoanalyze) AS analysed,
  pg_total_relation_size(relid) AS size
FROM pg_stat_user_tables
"""
# `parts` says of each column what it is and how it is ordered, so equal parts are interchangeable
INDEXES_SQL: Final = """
SELECT i.indexrelid::regclass::text AS name, i.indrelid::regclass::text AS table, am.amname AS method,
  i.indisunique AS is_unique, i.indisvalid AS is_valid, coalesce(pg_get_expr(i.indpred, i.indrelid), '') AS condition,
  coalesce(s.idx_scan, 0) AS scans, pg_relation_size(i.indexrelid) AS size,
  EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid) AS is_constraint,
  ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) || ' ' || coalesce(i.indclass[k - 1]::text, '') || ' '
    || coalesce(i.indoption[k - 1]::text, '') || ' ' || coalesce(i.indcollation[k - 1]::text, '')
    FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k) AS parts,
  ARRAY(SELECT pg_get_indexdef(i.indexrelid, k, true) FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k) AS columns
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am am ON am.oid = x.relam
LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = i.indexrelid
WHERE x.relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    live: int
    dead: int
    scans: int
    read: int
    index_scans: int
    writes: int
    vacuumed: datetime | None
    analysed: datetime | None
    size: int

    @property
    def per_scan(self) -> float:
        """Rows that a scan from end to end reads on average."""
        return self.read / self.scans if self.scans else 0.0

    @property
    def dead_share(self) -> float:
        return self.dead / (self.live + self.dead) if self.dead else 0.0


@dataclass(frozen=True, slots=True)
class Index:
    """`columns` are its keys in order; `condition` is empty unless it holds only some of the rows."""

    name: str
    table: str
    method: str
    is_unique: bool
    is_valid: bool
    is_constraint: bool
    condition: str
    scans: int
    size: int
    parts: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def drop(self) -> str:
        return f"DROP INDEX CONCURRENTLY {self.name};"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An index that `by` serves as well."""

    index: Index
    by: Index

    @property
    def is_same(self) -> bool:
        return self.index.parts == self.by.parts


def _tables() -> list[Table]:
    return [Table(**row) for row in rows(TABLES_SQL)]


def _indexes() -> list[Index]:
    return [Index(**_tuples(row)) for row in rows(INDEXES_SQL)]


tables = kept(_tables)
indexes = kept(_indexes)


def scanned() -> list[Table]:
    """Big tables that are often read from end to end, the most read first."""
    found = [
        table
        for table in tables()
        if table.live >= BIG_ROWS and table.scans >= SCANS and table.per_scan >= SHARE * table.live
    ]
    return sorted(found, key=lambda table: -table.read)[:SHOWN]


def unused() -> list[Index]:
    """Indexes that no query has used since the statistics began, and that guard nothing; the largest first."""
    found = [
        index
        for index in indexes()
        if not index.scans and not index.is_unique and not index.is_constraint and index.size > SMALL_BYTES
    ]
    return sorted(found, key=lambda index: -index.size)[:SHOWN]


def invalid() -> list[Index]:
    """Indexes whose making was broken off: they cost writes and serve nothing."""
    return [index for index in indexes() if not index.is_valid]


def duplicates() -> list[Duplicate]:
    """Indexes whose columns another index of the table has first, in the same order; the largest first."""
    found = []
    by_table: dict[tuple[str, str, str], list[Index]] = {}
    for index in indexes():
        if index.is_valid:
            by_table.setdefault((index.table, index.method, index.condition), []).append(index)
    for alike in by_table.values():
        for index in alike:
            better = next((other for other in alike if _is_better(other, index)), None)
            if better is not None and index.size > SMALL_BYTES:
                found.append(Duplicate(index, better))
    return sorted(found, key=lambda duplicate: -duplicate.index.size)[:SHOWN]


def _is_better(other: Index, index: Index) -> bool:
    """Whether `other` serves all that `index` does, and is the one to keep where they are the same."""
    if other.name == index.name or index.is_constraint or other.parts[: len(index.parts)] != index.parts:
        return False
    if other.method != "btree" and other.parts != index.parts:
        return False
    if index.is_unique and not (other.is_unique and other.parts == index.parts):
        return False
    if other.parts != index.parts:
        return True
    return (other.is_constraint, other.is_unique, index.name) > (index.is_constraint, index.is_unique, other.name)


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"parts": tuple(row["parts"]), "columns": tuple(row["columns"])}
