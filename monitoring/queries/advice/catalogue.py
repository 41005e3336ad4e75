"""What PostgreSQL knows of the tables of a statement: their size, their columns' statistics, their indexes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from monitoring.queries.server.asked import rows
from monitoring.queries.server.relations import Index, indexes

# to_regclass finds names as the statement itself did; a handful of look-ups by primary key
TABLES_SQL: Final = """
SELECT wanted.name AS asked_as, c.oid::regclass::text AS name, c.relkind AS kind,
  CASE WHEN c.reltuples > 0 THEN c.reltuples ELSE coalesce(s.n_live_tup, 0) END::bigint AS rows,
  pg_table_size(c.oid) AS size,
  coalesce(s.n_tup_ins + s.n_tup_upd + s.n_tup_del, 0) AS writes,
  (SELECT json_object_agg(a.attname, CASE WHEN p.attname IS NULL THEN NULL ELSE json_build_object(
    'distinct', p.n_distinct, 'null', p.null_frac, 'common', p.most_common_freqs,
    'values', CASE WHEN a.atttypid = 'bool'::regtype THEN p.most_common_vals::text END) END)
   FROM pg_attribute a LEFT JOIN pg_stats p
     ON p.attname = a.attname AND p.tablename = c.relname AND p.schemaname = n.nspname AND NOT p.inherited
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM unnest(%s::text[]) AS wanted (name) JOIN pg_class c ON c.oid = to_regclass(wanted.name)
JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
"""
KINDS: Final = {"r", "m", "p"}  # tables, materialised views, partitioned tables


@dataclass(frozen=True, slots=True)
class Column:
    """Statistics of a column's values; shares are of all rows."""

    distinct: float
    null: float
    is_true: float | None = None

    def keeps(self, rows: int) -> float:
        """The share of rows that equality with one value keeps."""
        values = self.distinct if self.distinct > 0 else -self.distinct * max(rows, 1)
        return (1 - self.null) / max(values, 1)


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` has None for those that were never analysed."""

    name: str
    kind: str
    rows: int
    size: int
    writes: int
    columns: dict[str, Column | None]
    indexes: list[Index] = field(default_factory=list)

    @property
    def is_analysed(self) -> bool:
        return any(column is not None for column in self.columns.values())


def tables(names: Iterable[str]) -> dict[str, Table]:
    """The tables by the names that the statement has for them; views and what is gone are left out."""
    found = rows(TABLES_SQL, [sorted(set(names))])
    known = indexes() if found else []
    return {
        row["asked_as"]: Table(
            name=row["name"],
            kind=row["kind"],
            rows=row["rows"],
            size=row["size"],
            writes=row["writes"],
            columns={name: _column(said) for name, said in _loaded(row["columns"]).items()},
            indexes=[index for index in known if index.table == row["name"] and index.is_valid],
        )
        for row in found
        if row["kind"] in KINDS
    }


def sizes(names: Iterable[str]) -> dict[str, int]:
    """Rows of tables by their bare names, as a plan has them."""
    return {name: table.rows for name, table in tables(names).items()}


def _column(said: dict[str, Any] | None) -> Column | None:
    if said is None:
        return None
    shares = dict(zip(_listed(said["values"]), said["common"] or [], strict=False))
    return Column(float(said["distinct"]), float(said["null"]), shares.get("t"))


def _listed(text: str | None) -> list[str]:
    return text.strip("{}").split(",") if text else []


def _loaded(columns: Any) -> dict[str, Any]:
    return json.loads(columns) if isinstance(columns, str) else columns or {}
