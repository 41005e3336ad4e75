"""What a file says otherwise than the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flags.change.asked.values import Fault, kept, unkept
from flags.change.transfer import file


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that the file and this installation have differently; `field` is "" where a whole flag is missing."""

    name: str
    field: str
    here: Any
    there: Any

    def __str__(self) -> str:
        if not self.field:
            return f"{self.name}: {'only in the file' if self.here is None else 'only here'}"
        return f"{self.name} {self.field}: {self.here!r} here, {self.there!r} in the file"


def compared(text: str) -> list[Difference]:
    """What bringing `text` in would change, by name. Raises InvalidError for what is no such file."""
    here, there = file.here(), file.read(text)
    found: list[Difference] = []
    for name in sorted(here.keys() | there.keys()):
        if name not in here or name not in there:
            found.append(Difference(name, "", here.get(name), there.get(name)))
        else:
            found += differing(name, here[name], there[name])
    return found


def differing(name: str, here: Mapping[str, Any], there: Mapping[str, Any]) -> list[Difference]:
    """Of the fields that the file has."""
    pairs = ((field, here[field], _kept(field, there[field])) for field in here if field in there)
    return [Difference(name, field, was, wanted) for field, was, wanted in pairs if was != wanted]


def _kept(field: str, value: Any) -> Any:
    """As history would keep it; what can't be read stays as it is, and the change refuses it with its reason."""
    try:
        return kept(unkept(field, value))
    except Fault:
        return value
