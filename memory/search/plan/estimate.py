"""How many of a scope's rows a filter is expected to leave."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from memory.search.filters import Condition, Filter, Group, Node
from memory.search.plan.statistics import Statistics

# Where nothing is known, as PostgreSQL itself assumes: a third for a comparison, a twentieth for a part of a text.
COMPARED: Final = 1 / 3
CONTAINED: Final = 0.05
METADATA: Final = 0.1  # that a key has one value
KEYED: Final = 0.5  # that there is the key


def share_of(filter: Filter, statistics: Statistics) -> float:
    """The share of rows that the filter leaves, as if its conditions had nothing to do with each other."""
    return _share(filter.root, statistics)


def _share(node: Node, statistics: Statistics) -> float:
    if isinstance(node, Condition):
        return min(1.0, max(0.0, _of_condition(node, statistics)))
    return _of_group(node, statistics)


def _of_group(group: Group, statistics: Statistics) -> float:
    shares = [_share(part, statistics) for part in group.parts]
    if group.kind == "AND":
        return math.prod(shares)
    none = math.prod(1 - share for share in shares)
    return none if group.kind == "NOT" else 1 - none


def _of_condition(condition: Condition, statistics: Statistics) -> float:
    equals, exists = _values(condition, statistics)
    if condition.op == "eq":
        return equals(condition.value)
    if condition.op == "ne":
        return 1 - equals(condition.value)
    if condition.op == "in":
        return sum(equals(value) for value in condition.value)
    if condition.op == "exists":
        return exists if condition.value else 1 - exists
    return CONTAINED if condition.op == "contains" else COMPARED * exists


def _values(condition: Condition, statistics: Statistics) -> tuple[Callable[[object], float], float]:
    """The share of a value, and that of rows with any."""
    if condition.field.startswith("metadata"):
        return (lambda value: 1 - KEYED if value is None else METADATA), KEYED
    column = {"replaced_by": "replaced_by_id", "source_message_id": "source_id"}.get(condition.field, condition.field)
    nulls = statistics.nulls(column)
    return (lambda value: nulls if value is None else statistics.share(column, value)), 1 - nulls
