"""Which index would serve a statement: equality first, then one range or the order, and only where it pays.

After PgHero's rules (https://github.com/ankane/pghero, suggested_indexes), with joins, order and conditions added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from monitoring.formats import number, short
from monitoring.queries.advice.catalogue import Table
from monitoring.queries.advice.predicates import Asked, quoted
from monitoring.queries.server.relations import Index

ROWS_LEAST: Final = 500  # a table under this is read faster as a whole
KEEPS_MOST: Final = 0.3  # a column that keeps more of the table narrows nothing down
FEW_ROWS: Final = 100  # an index that leaves so many is good enough
EQUAL_MOST, COLUMNS_MOST = 2, 3
NAME_LENGTH: Final = 63  # PostgreSQL's


@dataclass(frozen=True, slots=True)
class Proposal:
    """An index that is missing: the statement that makes it, and what speaks for and against it."""

    table: str
    columns: tuple[str, ...]
    condition: str
    why: str
    rows: int
    kept: float
    writes: int
    similar: tuple[str, ...]

    @property
    def name(self) -> str:
        whole = "_".join((self.table.replace('"', "").rpartition(".")[2], *self.columns, "idx"))
        if len(whole) <= NAME_LENGTH:
            return whole
        return f"{whole[: NAME_LENGTH - 9]}_{hashlib.blake2b(whole.encode(), digest_size=4).hexdigest()}"

    @property
    def definition(self) -> str:
        where = f" WHERE {self.condition}" if self.condition else ""
        return f"{quoted(self.name)} ON {self.table} ({', '.join(quoted(column) for column in self.columns)}){where}"

    @property
    def statement(self) -> str:
        return f"CREATE INDEX CONCURRENTLY {self.definition};"


def proposals(asked: Sequence[Asked], tables: dict[str, Table], *, scanned: set[str] | None) -> list[Proposal]:
    """The indexes that are missing. `scanned` are the tables that the plan reads as a whole; None where none is."""
    found: dict[tuple[str, tuple[str, ...]], Proposal] = {}
    for each in asked:
        table = tables.get(each.table)
        if table is None or (scanned is not None and table.name.rpartition(".")[2].strip('"') not in scanned):
            continue
        proposal = propose(each, table)
        if proposal is not None:
            found.setdefault((proposal.table, proposal.columns), proposal)
    return list(found.values())


def propose(asked: Asked, table: Table) -> Proposal | None:
    """The index that serves what is asked of this table; None where none would help, or one is there."""
    if table.rows < ROWS_LEAST or not table.is_analysed:
        return None
    equal = _equal(asked, table)
    last, is_order = _last(asked, equal, table)
    columns = (*equal, *last)[:COLUMNS_MOST]
    if not columns or is_served(asked, table, equal, last):
        return None
    kept = table.rows * _share(equal, table)
    return Proposal(
        table=table.name,
        columns=columns,
        condition=_condition(asked, table, columns),
        why=_why(equal, last, is_order=is_order, kept=kept, rows=table.rows),
        rows=table.rows,
        kept=kept,
        writes=table.writes,
        similar=tuple(index.name for index in table.indexes if index.columns[:1] == columns[:1]),
    )


def is_served(asked: Asked, table: Table, equal: Sequence[str], last: Sequence[str]) -> bool:
    """Whether an index that is there serves it as well, or leaves so few rows that another saves nothing."""
    return any(_serves(index, asked, table, equal, last) for index in table.indexes)


def _serves(index: Index, asked: Asked, table: Table, equal: Sequence[str], last: Sequence[str]) -> bool:
    if index.method != "btree" or not _holds(index, asked):
        return False
    columns = [column.strip('"') for column in index.columns]
    compared = {*asked.equal, *asked.joined}
    leading = 0
    while leading < len(columns) and columns[leading] in compared:
        leading += 1
    if index.is_unique and leading == len(columns):
        return True
    if set(equal) <= set(columns[:leading]) and columns[leading : leading + len(last)] == list(last):
        return True
    return leading > 0 and not asked.has_limit and table.rows * _share(columns[:leading], table) <= FEW_ROWS


def _holds(index: Index, asked: Asked) -> bool:
    """Whether the index has all rows that are asked for, as far as can be told without values.

    A condition on a column that the statement compares with a value may well hold: then nothing is proposed.
    """
    if not index.condition:
        return True
    known = {*asked.equal, *asked.conditions, *asked.ranges}
    return any(column in index.condition for column in known)


def _equal(asked: Asked, table: Table) -> list[str]:
    """The most selective columns that are compared with one value; join keys where there are no others."""
    for names in (asked.equal, asked.joined):
        shares = {name: table.columns[name].keeps(table.rows) for name in names if table.columns.get(name)}  # type: ignore[union-attr]
        useful = sorted((name for name in shares if shares[name] <= KEEPS_MOST), key=lambda name: shares[name])
        if useful:
            break
    chosen: list[str] = []
    for name in useful[:EQUAL_MOST]:
        # a second column for a few rows only makes the index longer
        if not chosen or table.rows * _share(chosen, table) > FEW_ROWS:
            chosen.append(name)
    return chosen


def _last(asked: Asked, equal: Sequence[str], table: Table) -> tuple[list[str], bool]:
    """The columns after those: the order under a limit, else one range; and whether it is the order."""
    room = COLUMNS_MOST - len(equal)
    order = [name for name in asked.order if name not in asked.equal and name in table.columns]
    if asked.has_limit and order and len(order) == len([name for name in asked.order if name not in asked.equal]):
        return order[: min(room, 2)], True
    ranges = [name for name in asked.ranges if name not in equal and table.columns.get(name)]
    if not equal and asked.equal and not ranges:
        return [], False
    if equal and table.rows * _share(equal, table) <= FEW_ROWS:
        return [], False
    return ranges[:1], False


def _share(columns: Sequence[str], table: Table) -> float:
    """The share of rows that is left, the columns taken as independent of each other."""
    share = 1.0
    for name in columns:
        if (column := table.columns.get(name)) is not None:
            share *= column.keeps(table.rows)
    return share


def _condition(asked: Asked, table: Table, columns: Sequence[str]) -> str:
    """The conditions without values that leave enough rows out to make the index smaller."""
    useful = []
    for name, condition in asked.conditions.items():
        column = table.columns.get(name)
        if column is None or name in columns:
            continue
        share = {f"{quoted(name)} IS NULL": column.null, f"{quoted(name)} IS NOT NULL": 1 - column.null}.get(condition)
        if share is None and column.is_true is not None:
            share = column.is_true if condition == quoted(name) else 1 - column.is_true
        if share is not None and share <= 1 - KEEPS_MOST:
            useful.append(condition)
    return " AND ".join(useful)


def _why(equal: Sequence[str], last: Sequence[str], *, is_order: bool, kept: float, rows: int) -> str:
    left = f"About {short(max(kept, 1))} of {number(rows)} rows are left by {' and '.join(equal)}" if equal else ""
    if not last:
        return f"{left}."
    rest = "come in the order that is asked for" if is_order else "are narrowed down by their range"
    return f"{left}, and they {rest} ({', '.join(last)})." if left else f"Rows {rest} ({', '.join(last)})."
