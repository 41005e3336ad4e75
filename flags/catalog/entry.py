"""What apps tell of the flags that their code asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from flags.models import NAME, Kind, Unit

_NAME: Final = re.compile(NAME)


@dataclass(frozen=True, slots=True)
class Entry:
    """One flag that the code asks for.

    `is_enabled` False is off for everyone; `percent` is the share it has once it is on. `watches` names what its
    cohorts are compared by, such as `chat.response`.
    """

    name: str
    about: str
    is_enabled: bool = False
    percent: Decimal = Decimal(100)
    unit: Unit = Unit.USER
    kind: Kind = Kind.RELEASE
    is_locked: bool = False
    owner: str = ""
    watches: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"a flag's name has 1 to 100 of a-z, 0-9, '.', '_' and '-', got {self.name!r}")


_entries: dict[str, Entry] = {}


def register(*entries: Entry) -> None:
    """Tell of flags, from `AppConfig.ready()`. The same name again replaces what was told."""
    _entries.update({entry.name: entry for entry in entries})


def entries() -> list[Entry]:
    """All of them, by name."""
    return [_entries[name] for name in sorted(_entries)]


def find(name: str) -> Entry | None:
    return _entries.get(name)
