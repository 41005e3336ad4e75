"""How the page names things: memories by a short id, moments by clock or day, decisions and guards in words."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from memory.models import Cause, Outcome
from monitoring.formats import at

SHORTEST: Final = 6  # digits of a short id, taken from the random end: the start is a time, which neighbours share


@dataclass(frozen=True, slots=True)
class Mark:
    """A state or an outcome: its word, tone and icon."""

    word: str
    tone: str
    icon: str


UNDECIDED: Final = Mark("Too far", "off", "split")
CANDIDATES: Final = {
    "duplicate": Mark("Same", "info", "merge"),
    "merged": Mark("Merged", "info", "merge"),
    "superseded": Mark("Superseded", "off", "audit"),
    "kept_apart": Mark("Kept apart", "off", "split"),
    "review": Mark("In question", "warn", "half"),
    "added": UNDECIDED,
}
DECISIONS: Final = {
    Outcome.ADDED: Mark("Added", "ok", "plus"),
    Outcome.DUPLICATE: Mark("Said again", "info", "merge"),
    Outcome.MERGED: Mark("Merged", "info", "merge"),
    Outcome.SUPERSEDED: Mark("Superseded", "off", "audit"),
    Outcome.KEPT_APART: Mark("Kept apart", "off", "split"),
    Outcome.REVIEW: Mark("In question", "warn", "half"),
    Outcome.SPLIT: Mark("Split", "hand", "split"),
    Outcome.RESTORED: Mark("Restored", "hand", "restore"),
}
# what a decision says of the memory that holds the fact, and of the other one; the other's id follows
SIDES: Final = {
    Outcome.ADDED: ("Added", "Added beside"),
    Outcome.DUPLICATE: ("Said again", "Said again as"),
    Outcome.MERGED: ("Took in", "Merged into"),
    Outcome.SUPERSEDED: ("Replaced", "Superseded by"),
    Outcome.KEPT_APART: ("Kept apart from", "Kept apart from"),
    Outcome.REVIEW: ("In question with", "In question with"),
    Outcome.SPLIT: ("Split off from", "Split into"),
    Outcome.RESTORED: ("Restored beside", "Restored beside"),
}
CAUSES: Final = {
    Cause.EXTRACTED: "new",
    Cause.ADDED: "new",
    Cause.EDITED: "edit",
    Cause.MERGED: "merge",
    Cause.SPLIT: "split",
    Cause.RESTORED: "restore",
    Cause.UNDONE: "undo",
    Cause.FORGOTTEN: "forget",
}


def short(id: uuid.UUID, digits: int = SHORTEST) -> str:
    """m-90417f."""
    return f"m-{id.hex[-digits:]}"


def names(ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    """A short id for each, as long as it takes to tell them apart."""
    known = {id for id in ids if id is not None}
    digits = SHORTEST
    while len({id.hex[-digits:] for id in known}) < len(known):
        digits += 2
    return {id: short(id, digits) for id in known}


def moment(then: datetime, now: datetime, *, seconds: bool = False) -> str:
    """The clock for today, else the day: 14:12, 12 Nov, 12 Nov 2025."""
    if at(then, "%Y%j") == at(now, "%Y%j"):
        return at(then, "%H:%M:%S" if seconds else "%H:%M")
    return day(then, now)


def day(then: datetime, now: datetime) -> str:
    return at(then, "%-d %b" if at(then, "%Y") == at(now, "%Y") else "%-d %b %Y")


def exactly(then: datetime, now: datetime) -> str:
    """With the clock in either case: 14:12:08, 12 Nov 14:12."""
    clock = moment(then, now, seconds=True)
    return clock if ":" in clock else f"{clock} {at(then, '%H:%M')}"


def similarity(value: float) -> str:
    return f"{value:.3f}"
