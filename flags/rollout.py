"""Whether a flag is on for a unit: from the process's snapshot, without I/O, sticky and monotone by hash.

What decides, in this order: the environment's pin, off or on for everyone, the schedule, what it needs, overrides,
rules, the percentage.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from flags import bucketing, snapshot
from flags.models import Unit
from flags.snapshot import OPERATORS, Compiled, Rule, Snapshot
from monitoring import metrics

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
OF_CALLER: Final = frozenset((Unit.USER.value, Unit.SERVICE.value))  # draw `unit` itself
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
    known = snapshot.current()
    flag = known.flags.get(name)
    if flag is not None:
        if flag.is_plain:
            # the common case by itself: half the time of what follows
            drawn = unit if flag.unit in OF_CALLER else _drawn(flag, unit, workspace, conversation)
            if drawn:
                digest = hashlib.sha256(f"{flag.salt}\0{drawn}".encode()).digest()
                return int.from_bytes(digest[:8], "big") < flag.threshold
        elif flag.everyone is not None:
            return flag.everyone
    return _verdict(known, name, _Asked(unit, workspace, conversation, attributes, time.time()), 0)[0]


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
    is_in, why, flag, drawn, by = _verdict(snapshot.current(), name, asked, 0)
    if flag is None:
        return Decision(name, False, why)
    enters_at = bucketing.enters_at(flag.salt, drawn) if drawn else None
    return Decision(name, is_in, why, flag.version, drawn, enters_at, by)


class _Asked(NamedTuple):
    unit: str
    workspace: str
    conversation: str
    attributes: Mapping[str, Any]
    now: float


# Whether it is on, what decided, the flag, the unit that it draws, and by which flag or rule: a bare tuple, since a
# named one takes a tenth of the whole to make.
_Verdict = tuple[bool, Why, Compiled | None, str, str]


def _verdict(known: Snapshot, name: str, asked: _Asked, depth: int) -> _Verdict:
    flag = known.flags.get(name)
    if flag is None or depth > DEPTH:
        metrics.count(UNKNOWN)
        return False, Why.UNKNOWN, None, "", ""
    drawn = asked.unit if flag.unit in OF_CALLER else _drawn(flag, asked.unit, asked.workspace, asked.conversation)
    if not flag.is_plain:
        ruled = _ruled(known, flag, drawn, asked, depth)
        if ruled is not None:
            return ruled
    if not drawn:
        metrics.count(NO_UNIT)
        return False, Why.NO_UNIT, flag, "", ""
    is_in = flag.threshold == bucketing.SPACE or bucketing.bucket(flag.salt, drawn) < flag.threshold
    return is_in, Why.SPLIT, flag, drawn, ""


def _ruled(known: Snapshot, flag: Compiled, drawn: str, asked: _Asked, depth: int) -> _Verdict | None:
    """What decides before the percentage does, if anything."""
    if flag.everyone is not None:
        why = Why.PINNED if flag.is_pinned else Why.ON if flag.everyone else Why.OFF
        return flag.everyone, why, flag, drawn, ""
    if flag.is_pinned:
        return None
    if not flag.starts <= asked.now < flag.ends:
        return False, Why.SCHEDULE, flag, drawn, ""
    for needed in flag.needs:
        if not _verdict(known, needed, asked, depth + 1)[0]:
            return False, Why.NEEDS, flag, drawn, needed
    if drawn in flag.always:
        return flag.always[drawn], Why.OVERRIDE, flag, drawn, ""
    for number, rule in enumerate(flag.rules, 1):
        if _fits(rule, asked):
            return rule.is_on, Why.RULE, flag, drawn, str(number)
    return None


def _fits(rule: Rule, asked: _Asked) -> bool:
    for condition in rule.conditions:
        name = condition.attribute
        value = asked.workspace if name == WORKSPACE else asked.attributes.get(name)
        if not OPERATORS[condition.operator](value, condition.values):
            return False
    return True


def _drawn(flag: Compiled, unit: str, workspace: str, conversation: str) -> str:
    """The unit that this flag draws, "" where the caller didn't tell it."""
    if flag.unit == Unit.WORKSPACE:
        return workspace
    return conversation if flag.unit == Unit.CONVERSATION else unit
