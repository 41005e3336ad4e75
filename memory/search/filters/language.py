"""The language in which memories are filtered.

A filter is an object. `{"kind": "health"}` asks for a value, `{"kind": ["health", "habit"]}` for one of several,
`{"importance": {"gte": 0.5, "lt": 0.9}}` compares, `{"metadata.source": "mail"}` looks at a key of the metadata and
`{"metadata": {"source": "mail"}}` at several; `AND`, `OR` and `NOT` take lists of filters. What stands side by side
has to hold together; `NOT` means none of its list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from memory.errors import InvalidError
from memory.search.filters.fields import FIELDS, LISTED, OPERATORS, Type, type_of
from memory.search.filters.sql import Condition, Filter, Group, Node

DEEPEST: Final = 5
MOST: Final = 50  # conditions
GROUPS: Final = ("AND", "OR", "NOT")
PATTERNS: Final = frozenset(
    {"regex", "regexp", "$regex", "iregex", "match", "matches", "like", "ilike", "~", "similar"}
)
CONTAINED_BYTES: Final = 16 * 1024


NOTHING: Final = Filter(Group("AND", ()))


def parsed(value: Any, *, path: str = "filters") -> Filter:
    """Raises InvalidError, naming the place, for a key, operator or value that does not exist or fit."""
    root = _group("AND", value, path, 0)
    filter = Filter(root)
    if (count := sum(1 for _ in filter.conditions)) > MOST:
        raise InvalidError((path, f"has {count} conditions; {MOST} are the most: join values of a field by `in`"))
    return filter


def from_json(text: str, *, path: str = "filters") -> Filter:
    """The same from text, as a query parameter has it."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise InvalidError((path, f"must be a JSON object: {problem}")) from None
    return parsed(value, path=path)


def _group(kind: str, value: Any, path: str, depth: int) -> Group:
    """All entries of an object."""
    if not isinstance(value, Mapping):
        raise InvalidError((path, 'must be an object such as {"kind": "health"}'))
    return Group(kind, tuple(part for name, given in value.items() for part in _entry(name, given, path, depth)))


def _entry(name: str, value: Any, path: str, depth: int) -> Iterator[Node]:
    here = f"{path}.{name}"
    if name in GROUPS:
        yield _list(name, value, here, depth + 1)
    elif name == "metadata":
        yield Condition(name, "contains", _contained(value, here))
    elif (kind := type_of(name)) is None:
        raise InvalidError((here, f"is no field; filter by {', '.join(FIELDS)}, metadata.KEY, or {', '.join(GROUPS)}"))
    else:
        yield from _conditions_of(name, kind, value, here)


def _list(kind: str, value: Any, path: str, depth: int) -> Group:
    if depth > DEEPEST:
        raise InvalidError((path, f"is nested over {DEEPEST} levels: say it in fewer"))
    if not isinstance(value, list) or not value:
        raise InvalidError((path, "must be a list of filters, with at least one"))
    if len(value) > MOST:
        raise InvalidError((path, f"has {len(value)} filters; {MOST} are the most: join values of a field by `in`"))
    return Group(kind, tuple(_group("AND", part, f"{path}.{place}", depth) for place, part in enumerate(value)))


def _conditions_of(name: str, kind: Type, value: Any, path: str) -> Iterator[Condition]:
    if isinstance(value, Mapping):
        if not value:
            raise InvalidError((path, f"must have an operator: {', '.join(kind.operators)}"))
        for op, operand in value.items():
            yield _condition(name, kind, op, operand, f"{path}.{op}")
    else:
        yield _condition(name, kind, "in" if isinstance(value, list) else "eq", value, path)


def _condition(name: str, kind: Type, op: str, value: Any, path: str) -> Condition:
    if op in PATTERNS:
        raise InvalidError(
            (path, "regular expressions and patterns are not offered, their cost has no bound: use contains")
        )
    if op not in kind.operators:
        why = "does not fit this field" if op in OPERATORS else "is no operator"
        raise InvalidError((path, f"{why}; use {', '.join(kind.operators)}"))
    try:
        return Condition(name, op, _value(kind, op, value))
    except ValueError as problem:
        raise InvalidError((path, str(problem))) from None


def _value(kind: Type, op: str, value: Any) -> Any:
    if op == "exists":
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value
    if op == "in":
        if not isinstance(value, list) or not 0 < len(value) <= LISTED:
            raise ValueError(f"must be a list of 1 to {LISTED} values")
        return tuple(kind.check(one) for one in value)
    if value is None and op in {"eq", "ne"}:
        return None
    return kind.check(value)


def _contained(value: Any, path: str) -> Mapping[str, Any]:
    """An object that the metadata must contain."""
    if not isinstance(value, Mapping):
        raise InvalidError((path, 'must be an object such as {"source": "mail"}; one key is written metadata.KEY'))
    encoded = orjson.dumps(value)
    if b"\\u0000" in encoded or len(encoded) > CONTAINED_BYTES:
        raise InvalidError((path, f"must be at most {CONTAINED_BYTES:,} bytes as JSON, without U+0000"))
    return value
