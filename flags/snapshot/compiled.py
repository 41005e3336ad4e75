"""A flag as it is evaluated: immutable, with its threshold as a number, and nothing to ask anybody for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import inf
from types import MappingProxyType
from typing import Any, Final

from flags import bucketing
from flags.models import Unit

ALL: Final = bucketing.SPACE
SLOW_MS: Final = 1000.0  # where no plan says otherwise


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# What a condition may ask of an attribute. One that is not told is None.
OPERATORS: Final[Mapping[str, Callable[[Any, tuple[Any, ...]], bool]]] = MappingProxyType(
    {
        "in": lambda value, wanted: value in wanted,
        "not_in": lambda value, wanted: value not in wanted,
        "starts_with": lambda value, wanted: isinstance(value, str) and value.startswith(wanted),
        "ends_with": lambda value, wanted: isinstance(value, str) and value.endswith(wanted),
        "contains": lambda value, wanted: isinstance(value, str) and any(each in value for each in wanted),
        "at_least": lambda value, wanted: is_number(value) and value >= wanted[0],
        "at_most": lambda value, wanted: is_number(value) and value <= wanted[0],
        "exists": lambda value, wanted: (value is not None) is bool(wanted[0]),
    }
)
OF_TEXT: Final = {"starts_with", "ends_with", "contains"}
OF_NUMBERS: Final = {"at_least", "at_most"}


@dataclass(frozen=True, slots=True)
class Condition:
    """`attribute` (or `workspace`) against `values`, by one of OPERATORS. Raises ValueError for what can't be asked."""

    attribute: str
    operator: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise ValueError(f"an operator is one of {', '.join(OPERATORS)}, got {self.operator!r}")
        if not self.values:
            raise ValueError(f"{self.operator} needs a value to compare {self.attribute!r} with")
        if self.operator in OF_TEXT and not all(isinstance(value, str) for value in self.values):
            raise ValueError(f"{self.operator} compares text, got {self.values!r}")
        if self.operator in OF_NUMBERS and not is_number(self.values[0]):
            raise ValueError(f"{self.operator} compares numbers, got {self.values[0]!r}")


@dataclass(frozen=True, slots=True)
class Rule:
    """On or off for whatever fits all conditions."""

    conditions: tuple[Condition, ...]
    is_on: bool


@dataclass(frozen=True, slots=True)
class People:
    """Whom waffle lets in on top of the share, where a request asks: never where a unit does."""

    is_testing: bool = False
    has_superusers: bool = False
    has_staff: bool = False
    has_authenticated: bool = False
    languages: frozenset[str] = frozenset()
    users: frozenset[Any] = frozenset()
    groups: frozenset[Any] = frozenset()


@dataclass(frozen=True, slots=True)
class Compiled:
    """One flag of a snapshot. `everyone` None leaves it to the rest; times are in seconds since the epoch."""

    name: str
    unit: str = Unit.USER
    salt: str = ""
    percent: Decimal = Decimal(0)
    threshold: int = 0
    everyone: bool | None = None
    version: int = 0
    is_pinned: bool = False
    starts: float = -inf
    ends: float = inf
    always: Mapping[str, bool] = field(default_factory=dict)  # overrides by unit
    rules: tuple[Rule, ...] = ()
    needs: tuple[str, ...] = ()
    slow_ms: float = SLOW_MS  # of its cohorts: slower requests count as slow
    sampled: int = ALL  # units whose sample bucket is below it are measured one by one
    id: int = 0  # of its row; 0 where it has none
    is_plain: bool = True  # nothing but the percentage decides
    people: People | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All flags at one version of the flagset."""

    version: int
    flags: Mapping[str, Compiled]
    is_frozen: bool = False
