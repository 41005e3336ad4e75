"""Reads what somebody wants of a flag: every fault of it told at once, each with its field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from flags.change.asked import targeting, values
from flags.change.asked.values import Fault
from flags.errors import InvalidError
from flags.models import NAME, Flag, Kind, Unit, new_salt

REASON: Final = (8, 500)
NOTE: Final = 2000
# words that addresses of the API and the console end with
RESERVED: Final = frozenset(
    {
        "approval",
        "changes",
        "evaluate",
        "export",
        "flagset",
        "freeze",
        "guard",
        "import",
        "live",
        "new",
        "panel",
        "plan-templates",
        "plans",
        "proposals",
        "stale",
        "unit",
    }
)
_NAME: Final = re.compile(NAME)
Reader = Callable[[Any], Any]


def reason(given: Any) -> str:
    """Why, in 8 to 500 characters. Raises InvalidError."""
    try:
        read = " ".join(values.text(given, most=10_000).split())
        if not REASON[0] <= len(read) <= REASON[1]:
            raise Fault(f"say why in {REASON[0]} to {REASON[1]} characters, got {len(read)}")
    except Fault as fault:
        raise InvalidError(("reason", str(fault))) from None
    return read


def name(given: Any) -> str:
    """A new flag's name. Raises InvalidError."""
    if not isinstance(given, str) or not _NAME.fullmatch(given) or not given.strip("."):
        raise InvalidError(("name", f"has 1 to 100 of a-z, 0-9, '.', '_' and '-', got {given!r:.120}"))
    if given in RESERVED:
        raise InvalidError(("name", f"{given} is a word of the addresses; take another, such as {given}-flag"))
    return given


def unit(given: Any) -> str:
    try:
        return values.text(given, most=200, least=1)
    except Fault as fault:
        raise InvalidError(("unit", str(fault))) from None


def edit(flag: Flag, given: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """`given` as the row's values. Raises InvalidError with all that is wrong."""
    faults: list[tuple[str, str]] = []
    readers = _readers(flag)
    read: dict[str, Any] = {}
    for field, value in given.items():
        if field not in readers:
            faults.append((str(field)[:100], f"is no field of a flag; there are {', '.join(values.FIELDS)}"))
            continue
        try:
            read[field] = readers[field](value)
        except Fault as fault:
            faults.append((field, str(fault)))
    faults += _together(flag, read, now)
    if not given:
        faults.append(("edit", "names no field to change"))
    if faults:
        raise InvalidError(*faults)
    return read


def _readers(flag: Flag) -> dict[str, Reader]:
    return {
        "percent": values.share,
        "everyone": values.switch,
        "rules": targeting.rules,
        "needs": lambda value: targeting.needs(value, flag.name),
        "starts_at": values.moment,
        "ends_at": values.moment,
        "unit": lambda value: _choice(value, Unit.values),
        "salt": _salt,
        "owner": lambda value: values.text(value, most=100).strip(),
        "kind": lambda value: _choice(value, Kind.values),
        "expires_on": values.day,
        "note": lambda value: values.text(value, most=NOTE),
        "is_locked": values.yes_or_no,
    }


def _together(flag: Flag, read: Mapping[str, Any], now: datetime) -> list[tuple[str, str]]:
    """What only shows with the other fields, or with the clock."""
    faults: list[tuple[str, str]] = []
    expires = read.get("expires_on")
    if expires is not None and expires != flag.expires_on and expires < now.date():
        faults.append(("expires_on", f"{expires.isoformat()} is past; take today or later, or none"))
    starts, ends = (read.get(field, getattr(flag, field)) for field in ("starts_at", "ends_at"))
    if {"starts_at", "ends_at"} & read.keys() and starts and ends and ends <= starts:
        faults.append(("ends_at", f"{values.kept(ends)} is not after its start, {values.kept(starts)}"))
    return faults


def _choice(value: Any, choices: list[str]) -> str:
    if value not in choices:
        raise Fault(f"is one of {', '.join(choices)}, got {value!r:.40}")
    return str(value)


def _salt(value: Any) -> str:
    """Any other salt reshuffles; without a text of one's own a new one is drawn."""
    return values.text(value, most=64) if isinstance(value, str) and value else new_salt()
