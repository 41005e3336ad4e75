"""What the environment says of flags: where they begin, and what holds whatever the database says."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Final

from flags.bucketing import STEP
from flags.catalog.entry import Entry

FORCE, ENABLE, ROLLOUT = "FLAG_FORCE_", "ENABLE_", "_ROLLOUT"
WORDS: Final = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}
DIGITS: Final = {"1": True, "0": False}  # not for FORCE, where they are shares


@dataclass(frozen=True, slots=True)
class Pin:
    """Held by the environment: on or off for everyone, else at a share."""

    everyone: bool | None
    percent: Decimal


def seeded(entry: Entry) -> Entry:
    """The entry with what the environment says of where it begins. What can't be meant is left out: `check` refuses."""
    key, said = _key(entry.name), variables()
    is_enabled, percent = _boolean(said.get(ENABLE + key)), _share(said.get(key + ROLLOUT))
    return replace(
        entry,
        is_enabled=entry.is_enabled if is_enabled is None else is_enabled,
        percent=entry.percent if percent is None else percent,
    )


def pin(name: str) -> Pin | None:
    """What the environment holds the flag at; None where it says nothing that can be meant."""
    return _pin(variables().get(FORCE + _key(name)))


def faults(of: list[Entry]) -> Iterator[tuple[str, str]]:
    """Values that can't be meant, and what to write instead. Only variables of flags in the catalogue are looked at,
    but for pins, whose prefix is nobody else's."""
    said = variables()
    share = "a number from 0 to 100 with at most three decimals"
    for key in (_key(entry.name) for entry in of):
        if _is_said(said, ENABLE + key) and _boolean(said[ENABLE + key]) is None:
            yield f"{ENABLE}{key} must be true or false, got {said[ENABLE + key]!r}", "Write true, false, or nothing."
        if _is_said(said, key + ROLLOUT) and _share(said[key + ROLLOUT]) is None:
            yield f"{key}{ROLLOUT} must be {share}, got {said[key + ROLLOUT]!r}", "Write a share such as 12.5."
    for name in said:
        if name.startswith(FORCE) and _is_said(said, name) and _pin(said[name]) is None:
            yield f"{name} must be on, off, or {share}, got {said[name]!r}", "Write on, off, or a share such as 12.5."


def strangers(of: list[Entry]) -> list[str]:
    """Pins of flags that are not in the catalogue, which may be misspelt."""
    known = {FORCE + _key(entry.name) for entry in of}
    return sorted(name for name in variables() if name.startswith(FORCE) and name not in known)


@cache
def variables() -> Mapping[str, str]:
    """Whatever may speak of flags, as it was when this process first looked."""
    return {
        name: value.strip()
        for name, value in os.environ.items()
        if name.startswith((FORCE, ENABLE)) or name.endswith(ROLLOUT)
    }


def reread() -> None:
    """Look at the environment again: for tests."""
    variables.cache_clear()


def _key(name: str) -> str:
    return name.upper().replace(".", "_").replace("-", "_")


def _is_said(said: Mapping[str, str], name: str) -> bool:
    return bool(said.get(name))


def _boolean(value: str | None) -> bool | None:
    return (WORDS | DIGITS).get((value or "").lower())


def _share(value: str | None) -> Decimal | None:
    try:
        share = Decimal(value or "")
    except InvalidOperation:
        return None
    return share if share.is_finite() and 0 <= share <= 100 and share % STEP == 0 else None


def _pin(value: str | None) -> Pin | None:
    word = WORDS.get((value or "").lower())
    if word is not None:
        return Pin(word, Decimal(100 if word else 0))
    share = _share(value)
    return None if share is None else Pin(None, share)
