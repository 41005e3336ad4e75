"""A flag as it is evaluated: immutable, with its threshold as a number, and nothing to ask anybody for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import inf
from typing import Any, Final

from flags import bucketing
from flags.models import Unit

ALL: Final = bucketing.SPACE


@dataclass(frozen=True, slots=True)
class Condition:
    """`attribute` (or `workspace`) against `values`, by one of the operators in `flags.rollout.OPERATORS`."""

    attribute: str
    operator: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """On or off for whatever fits all conditions."""

    conditions: tuple[Condition, ...]
    is_on: bool


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
    slow_ms: float = 1000.0  # of its cohorts: slower requests count as slow
    sampled: int = ALL  # units whose sample bucket is below it are measured one by one
    id: int = 0  # of its row; 0 where it has none
    is_plain: bool = True  # nothing but the percentage decides


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All flags at one version of the flagset."""

    version: int
    flags: Mapping[str, Compiled]
    is_frozen: bool = False
