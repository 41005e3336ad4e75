"""The page of events: how many of each kind and when, and the list by day."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

from monitoring import events, formats
from monitoring.console.chosen.range import Chosen
from monitoring.metrics import ranges
from monitoring.models import Event
from monitoring.models.paging import page

SHOWN = 50
BARS = 60
AROUND = timedelta(minutes=30)
PAGES = {"breaker": "breakers", "alert": "alerts", "jobs": "queues", "cache": "caches"}  # others: the overview
TONES = {"ok": "check", "warn": "warn", "crit": "crit", "hand": "hand", "info": "info"}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list leaves in; empty is all."""

    kind: str = ""
    tone: str = ""
    text: str = ""

    @property
    def any(self) -> bool:
        return bool(self.kind or self.tone or self.text)


@dataclass(frozen=True, slots=True)
class Line:
    """An event, and the page that shows its time."""

    event: Event
    icon: str
    href: str


@dataclass(frozen=True, slots=True)
class Day:
    name: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Bar:
    """Some events of a kind that came close together. `place` and `height` are in percent."""

    place: float
    height: float
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class Strip:
    """The events of a kind over the range."""

    kind: str
    total: int
    bars: list[Bar]
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Board:
    days: list[Day]
    strips: list[Strip]
    next: uuid.UUID | None
    kinds: list[str]
    start: datetime
    end: datetime
    about: str


def board(chosen: Chosen, filters: Filters, *, after: uuid.UUID | None, now: datetime) -> Board:
    """The page of a range. Raises ValueError where no event has the id `after`."""
    rows = events.find(start=chosen.start, end=chosen.end, kind=filters.kind, tone=filters.tone, text=filters.text)
    found = page(rows, after=after, limit=SHOWN)
    drawn = strips(chosen.start, chosen.end, filters.kind)
    total = sum(strip.total for strip in drawn)
    return Board(
        days=list(days(found.rows, now=now)),
        strips=drawn,
        next=found.next,
        kinds=sorted({*events.KINDS, *(strip.kind for strip in drawn)}),
        start=chosen.start,
        end=chosen.end,
        about=f"{formats.number(total)} in {chosen.label}",
    )


def days(rows: Sequence[Event], *, now: datetime) -> Iterator[Day]:
    """By day in the chosen zone, as the rows come."""
    for name, group in groupby(rows, key=lambda event: formats.at(event.at, "%A %-d %B %Y")):
        yield Day(name, [Line(event, TONES[event.tone], page_of(event, now=now)) for event in group])


def page_of(event: Event, *, now: datetime) -> str:
    """The page that shows what happened, half an hour around it."""
    around = ranges.named(event.at - AROUND, max(min(event.at + AROUND, now), event.at + timedelta(seconds=1)))
    try:
        path = reverse(PAGES.get(event.kind, "overview"))
    except NoReverseMatch:
        path = reverse("overview")
    return f"{path}?{urlencode({'range': around})}"


def strips(start: datetime, end: datetime, chosen: str) -> list[Strip]:
    """A strip for each kind, the busiest first; a bar is as high as its share of the fullest."""
    step_s = max(1, int((end - start).total_seconds()) // BARS)
    counted = events.counted(start, end, step_s)
    most = max((count for steps in counted.values() for count in steps.values()), default=1)
    made = [
        Strip(kind, sum(steps.values()), list(_bars(kind, steps, start, step_s, most)), kind == chosen)
        for kind, steps in counted.items()
    ]
    return sorted(made, key=lambda strip: (-strip.total, strip.kind))


def _bars(kind: str, steps: dict[int, int], start: datetime, step_s: int, most: int) -> Iterator[Bar]:
    for step, count in sorted(steps.items()):
        begins = start + timedelta(seconds=step * step_s)
        ends = begins + timedelta(seconds=step_s)
        query = {"range": ranges.named(begins, ends), "kind": kind}
        words = f"{count} {kind} at {formats.at(begins, '%-d %b %H:%M')}"
        yield Bar(100 * step / BARS, max(12, 100 * count / most), words, f"?{urlencode(query)}")
