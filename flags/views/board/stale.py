"""Flags that should not be there any more, with what to do about each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flags import catalog, change
from flags.views.board.row import address

MOST: Final = 50
CODED: Final = "Take the flag out of the code and the catalogue, then delete it."
UNASKED: Final = "Delete it: no code of this server asks for it."
TENDED: Final = "Give it an owner, a later expiry, or another kind."


@dataclass(frozen=True, slots=True)
class Old:
    """One of them; `why` is in words."""

    name: str
    why: str
    todo: str
    href: str


def stale(now: datetime) -> list[Old]:
    return [
        Old(each.name, each.why, todo(each.name, each.why), address({"open": each.name}))
        for each in change.stale(now)[:MOST]
    ]


def todo(name: str, why: str) -> str:
    if "owner" in why.lower():
        return TENDED
    return CODED if catalog.find(name) else UNASKED
