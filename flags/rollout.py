"""Whether a flag is on for a unit: from the process's snapshot, without I/O, sticky and monotone by hash.

What decides, in this order: the environment's pin, off or on for everyone, the schedule, what it needs, overrides,
rules, the percentage.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from flags import bucketing, snapshot
from flags.models import Unit
from flags.snapshot import Compiled, Condition, Snapshot
from monitoring import metrics

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
DEPTH: Final = 10  # of flags that need flags; the verb refuses cycles
WORKSPACE: Final = "workspace"  # the attribute that is always there
NO_UNIT: Final = "flags.no_unit"  # counted: a flag was asked without the unit that it draws
UNKNOWN: Final = "flags.unknown"


class Why(StrEnum):
    """What decided."""

    PINNED = "pinned"
    OFF = "off"
    ON = "on"
    SCHEDULE = "schedule"
    NEEDS = "needs"
    OVERRIDE = "override"
    RULE = "rule"
    SPLIT = "split"
    NO_UNIT = "no_unit"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer. `enters_at` is the least share at which the unit is in by its bucket; None without a unit."""

    name: str
    is_on: bool
    why: Why
    version: int = 0
    unit: str = ""
    enters_at: Decimal | None = None
    by: str = ""  # the flag that is needed and off, or the rule's number from 1


OPERATORS: Final[Mapping[str, Callable[[Any, tuple[Any, ...]], bool]]] = MappingProxyType(
    {
        "in": lambda value, wanted: value in wanted,
        "not_in": lambda value, wanted: value not in wanted,
        "starts_with": lambda value, wanted: isinstance(value, str) and value.startswith(wanted),
        "ends_with": lambda value, wanted: isinstance(value, str) and value.endswith(wanted),
        "contains": lambda value, wanted: isinstance(value, str) and any(each in value for each in wanted),
        "at_least": lambda value, wanted: _is_number(value) and value >= wanted[0],
        "at_most": lambda value, wanted: _is_number(value) and value <= wanted[0],
        "exists": lambda value, wanted: (value is not None) is bool(wanted[0]),
    }
)


def is_on(
    name: str,
    unit: str = "",
    *,
    workspace: str = "",
    conversation: str = "",
    attributes: Mapping[str, Any] = NOTHING,
) -> bool:
    """Whether flag `name` is on for `unit`: a user's id, or a service's name for flags of services.

    A flag that draws workspaces or conversations takes those. Without the unit that it draws it is off, which is
    counted; so is a name that nobody knows. Never raises, asks nobody, and takes a few microseconds.
    """
    flag = snapshot.current().flags.get(name)
    if flag is not None and flag.is_plain:
        # the common case by itself: what `decide` builds takes longer than the hash
        drawn = unit if flag.unit == "user" or flag.unit == "service" else _drawn(flag, unit, workspace, conversation)
        if drawn:
            digest = hashlib.sha256(f"{flag.salt}\0{drawn}".encode()).digest()
            return int.from_bytes(digest[:8], "big") < flag.threshold
    return decide(name, unit, workspace=workspace, conversation=conversation, attributes=attributes).is_on


def decide(
    name: str,
    unit: str = "",
    *,
    workspace: str = "",
    conversation: str = "",
    attributes: Mapping[str, Any] = NOTHING,
    now: float | None = None,
) -> Decision:
    """The same, with what decided. `now` is in seconds since the epoch."""
    asked = _Asked(unit, workspace, conversation, attributes, time.time() if now is None else now)
    return _decide(snapshot.current(), name, asked, 0)


@dataclass(frozen=True, slots=True)
class _Asked:
    unit: str
    workspace: str
    conversation: str
    attributes: Mapping[str, Any]
    now: float


def _decide(known: Snapshot, name: str, asked: _Asked, depth: int) -> Decision:
    flag = known.flags.get(name)
    if flag is None or depth > DEPTH:
        metrics.count(UNKNOWN)
        return Decision(name, False, Why.UNKNOWN)
    drawn = _drawn(flag, asked.unit, asked.workspace, asked.conversation)
    is_in, why, by = _ruled(known, flag, drawn, asked, depth)
    if why is Why.SPLIT:
        if not drawn:
            metrics.count(NO_UNIT)
            return Decision(name, False, Why.NO_UNIT, flag.version)
        is_in = bucketing.bucket(flag.salt, drawn) < flag.threshold
    enters_at = bucketing.enters_at(flag.salt, drawn) if drawn else None
    return Decision(name, is_in, why, flag.version, drawn, enters_at, by)


def _ruled(known: Snapshot, flag: Compiled, drawn: str, asked: _Asked, depth: int) -> tuple[bool, Why, str]:
    """What decides before the percentage does; else SPLIT."""
    if flag.everyone is not None:
        return flag.everyone, Why.PINNED if flag.is_pinned else Why.ON if flag.everyone else Why.OFF, ""
    if flag.is_pinned:
        return False, Why.SPLIT, ""
    if not flag.starts <= asked.now < flag.ends:
        return False, Why.SCHEDULE, ""
    for needed in flag.needs:
        if not _decide(known, needed, asked, depth + 1).is_on:
            return False, Why.NEEDS, needed
    if drawn in flag.always:
        return flag.always[drawn], Why.OVERRIDE, ""
    for number, rule in enumerate(flag.rules, 1):
        if all(_fits(condition, asked) for condition in rule.conditions):
            return rule.is_on, Why.RULE, str(number)
    return False, Why.SPLIT, ""


def _fits(condition: Condition, asked: _Asked) -> bool:
    value = asked.workspace if condition.attribute == WORKSPACE else asked.attributes.get(condition.attribute)
    return OPERATORS[condition.operator](value, condition.values)


def _drawn(flag: Compiled, unit: str, workspace: str, conversation: str) -> str:
    """The unit that this flag draws, "" where the caller didn't tell it."""
    if flag.unit == Unit.WORKSPACE:
        return workspace
    return conversation if flag.unit == Unit.CONVERSATION else unit


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
