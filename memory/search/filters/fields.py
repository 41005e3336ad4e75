"""What memories can be filtered by: the fields with their types, and the operators that each type has."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

from memory.models import ID_LENGTH, Kind, State

COMPARISONS: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
OPERATORS: Final = ("eq", "ne", "in", *COMPARISONS, "contains", "exists")
LISTED: Final = 100  # values of `in`
LONGEST: Final = 1000  # characters of a value

Check = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Type:
    """What values of a field are: `check` gives the value as PostgreSQL compares it, or raises ValueError."""

    name: str
    cast: str
    operators: Sequence[str]
    check: Check


@dataclass(frozen=True, slots=True)
class Field:
    """A column that can be filtered by."""

    column: str
    type: Type


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")
    if len(value) > LONGEST or "\x00" in value:
        raise ValueError(f"must be at most {LONGEST:,} characters, without U+0000")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("must be a number")
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**31:
        raise ValueError("must be a whole number")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _id(value: Any) -> uuid.UUID:
    try:
        return uuid.UUID(_text(value))
    except ValueError:
        raise ValueError("must be an id such as 01939f0e-7a6b-7c33-9d5e-2f4b8a6c1d20") from None


def _at(value: Any) -> datetime:
    """A time with its zone, or a day, which means its first moment in UTC."""
    try:
        if len(_text(value)) == len("2026-11-21"):
            return datetime.combine(date.fromisoformat(value), time(), UTC)
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("must be a day such as 2026-11-21, or a time with its zone such as 2026-11-21T09:00:00Z")
    return moment


def _one_of(names: Sequence[str]) -> Check:
    def check(value: Any) -> str:
        if value not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return str(value)

    return check


def plain(value: Any) -> Any:
    """A value of metadata: text, a number, true or false."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and math.isfinite(value):
        return value
    raise ValueError("must be text, a number, true or false")


_EQUAL: Final = ("eq", "ne", "in", "exists")
TEXT: Final = Type("text", "text", (*_EQUAL, "contains"), _text)
NUMBER: Final = Type("number", "float8", (*_EQUAL, *COMPARISONS), _number)
WHOLE: Final = Type("whole number", "int4", (*_EQUAL, *COMPARISONS), _whole)
TRUTH: Final = Type("truth", "bool", _EQUAL, _truth)
TIME: Final = Type("time", "timestamptz", (*_EQUAL, *COMPARISONS), _at)
UUID: Final = Type("id", "uuid", _EQUAL, _id)
METADATA: Final = Type("metadata", "jsonb", OPERATORS, plain)

FIELDS: Final[Mapping[str, Field]] = {
    "id": Field("id", UUID),
    "kind": Field("kind", Type("kind", "text", _EQUAL, _one_of(Kind.values))),
    "state": Field("state", Type("state", "text", _EQUAL, _one_of(State.values))),
    **{name: Field(name, TEXT) for name in ("text", "user_id", "agent_id", "app_id", "run_id")},
    "pinned": Field("pinned", TRUTH),
    "importance": Field("importance", NUMBER),
    "version": Field("version", WHOLE),
    **{name: Field(name, TIME) for name in ("created_at", "updated_at", "valid_from", "valid_to", "expires_at")},
    "replaced_by": Field("replaced_by_id", UUID),
    "source_message_id": Field("source_id", UUID),
}
KEY: Final = "metadata."


def type_of(name: str) -> Type | None:
    """The type of a field's values; None for one that does not exist."""
    if name.startswith(KEY) and 0 < len(name) - len(KEY) <= ID_LENGTH and "\x00" not in name:
        return METADATA
    return FIELDS[name].type if name in FIELDS else None
