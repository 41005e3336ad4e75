"""A filter as a tree of conditions, and the SQL that it becomes: names come from tables of ours, values are bound."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import orjson
from django.db.models import Model, QuerySet

from memory.search.filters.fields import COMPARISONS, FIELDS, KEY


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; `field` is as the caller wrote it, `value` as PostgreSQL compares it."""

    field: str
    op: str
    value: Any


@dataclass(frozen=True, slots=True)
class Group:
    """AND, OR or NOT of its parts; NOT holds where none of them does."""

    kind: str
    parts: tuple[Condition | Group, ...]


Node = Condition | Group
Row = TypeVar("Row", bound=Model)
_PLACE: Final = re.compile("\x01(\\d+)\x01")
Bind = Callable[[Any], str]  # keeps a value, and gives the placeholder that stands for it


@dataclass(frozen=True, slots=True)
class Filter:
    """What a search or a list is narrowed to."""

    root: Group

    @property
    def conditions(self) -> Iterator[Condition]:
        return _conditions(self.root)

    def mentions(self, field: str) -> bool:
        return any(condition.field == field for condition in self.conditions)

    def sql(self, bind: Bind, *, table: str = "m") -> str:
        """A condition over the columns of `table` that is true or false, never null; values go through `bind`."""
        return _sql(self.root, bind, table)


def narrowed(rows: QuerySet[Row], filter: Filter) -> QuerySet[Row]:
    """A queryset of memories with the filter."""
    values: list[Any] = []

    def bind(value: Any) -> str:
        values.append(value)
        return f"\x01{len(values) - 1}\x01"

    where = filter.sql(bind, table=rows.model._meta.db_table)
    # a value may stand in several places; here each of them needs its own
    places = [values[int(place)] for place in _PLACE.findall(where)]
    return rows.extra(where=[_PLACE.sub("%s", where)], params=places)


def _conditions(node: Node) -> Iterator[Condition]:
    if isinstance(node, Condition):
        yield node
    else:
        for part in node.parts:
            yield from _conditions(part)


def _sql(node: Node, bind: Bind, table: str) -> str:
    if isinstance(node, Condition):
        written = _metadata if node.field.startswith("metadata") else _column
        return written(node, bind, table)
    parts = [_sql(part, bind, table) for part in node.parts]
    if node.kind == "AND":
        return f"({' AND '.join(parts)})" if parts else "true"
    either = f"({' OR '.join(parts)})"
    return either if node.kind == "OR" else f"NOT {either}"


def _column(condition: Condition, bind: Bind, table: str) -> str:
    field, op, value = FIELDS[condition.field], condition.op, condition.value
    column, cast = f"{table}.{field.column}", field.type.cast
    if op == "exists" or value is None:
        empty = f"({column} IS NULL OR {column} = '')" if cast == "text" else f"{column} IS NULL"
        return empty if (value is None and op == "eq") or value is False else f"NOT ({empty})"
    if op == "in":
        return f"({column} = ANY ({bind(list(value))}::{cast}[])) IS TRUE"
    if op == "contains":
        return f"strpos(lower({column}), lower({bind(value)}::text)) > 0"
    sign = {"eq": "=", "ne": "IS DISTINCT FROM", **COMPARISONS}[op]
    return f"({column} {sign} {bind(value)}::{cast}) IS TRUE"


def _metadata(condition: Condition, bind: Bind, table: str) -> str:
    """Of one key, compared as JSON is: only numbers with numbers, text with text, by code point."""
    op, value, as_json = condition.op, condition.value, partial(_as_json, bind)
    if condition.field == "metadata":
        return f"{table}.metadata @> {as_json(value)}"
    key = bind(condition.field.removeprefix(KEY))
    got, text = f"({table}.metadata -> {key}::text)", f"({table}.metadata ->> {key}::text)"
    if op == "exists" or value is None:
        empty = f"coalesce({got} = 'null'::jsonb, true)"
        return empty if (value is None and op == "eq") or value is False else f"NOT {empty}"
    if op == "in":
        return f"({got} = ANY (ARRAY[{', '.join(as_json(one) for one in value)}])) IS TRUE"
    if op == "contains":
        member = f"(jsonb_typeof({got}) = 'array' AND {got} @> {as_json([value])})"
        if not isinstance(value, str):
            return f"({member}) IS TRUE"
        inside = f"(jsonb_typeof({got}) = 'string' AND strpos(lower({text}), lower({bind(value)}::text)) > 0)"
        return f"({member} OR {inside}) IS TRUE"
    if op in COMPARISONS:
        return f"({_ordered(got, text, value, bind)} {COMPARISONS[op]} {bind(value)}) IS TRUE"
    return f"({got} {'=' if op == 'eq' else 'IS DISTINCT FROM'} {as_json(value)}) IS TRUE"


def _ordered(got: str, text: str, value: Any, bind: Bind) -> str:
    """What is compared with `value`: null where the metadata has another type there."""
    if isinstance(value, bool):
        return f"CASE WHEN jsonb_typeof({got}) = 'boolean' THEN {text}::bool END"
    if isinstance(value, str):
        return f"""CASE WHEN jsonb_typeof({got}) = 'string' THEN {text} COLLATE "C" END"""
    return f"CASE WHEN jsonb_typeof({got}) = 'number' THEN {text}::numeric END"


def _as_json(bind: Bind, value: Any) -> str:
    return f"{bind(orjson.dumps(value).decode())}::jsonb"
