"""The range of time that a page shows: what the URL says, its name, and why a bad one is not shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.http import HttpRequest
from django.utils import timezone

from monitoring import formats
from monitoring.metrics import ranges
from monitoring.metrics.ranges import RANGES, RangeError
from monitoring.metrics.store.retain import HOURS_S

DEFAULT: Final = "1h"
LIVE_S: Final = 90  # a range that ended longer ago stands still
MINUTE: Final = timedelta(minutes=1)
WIDEST: Final = timedelta(seconds=HOURS_S)
RELATIVE: Final = re.compile(r"now(?:\s*-\s*(\d{1,6})\s*([mhdw]))?")
UNITS: Final = {"m": MINUTE, "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
EXAMPLE: Final = "Write it like 2026-11-21 10:00, 2026-11-21T10:00Z or now-2h"
Query = dict[str, str]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A range as `read.span` takes it. `query` is how the URL says it, `problem` why another was asked for in vain."""

    name: str
    query: Query
    start: datetime
    end: datetime
    now: datetime
    problem: str = ""
    wanted: tuple[str, str] | None = None  # what the form was given, for whoever corrects it

    @property
    def is_fixed(self) -> bool:
        """Whether it stands still: it ends in the past."""
        return (self.now - self.end).total_seconds() > LIVE_S

    @property
    def label(self) -> str:
        """What the range is called: 6h, or 21 Nov 10:00 to 12:00."""
        if self.name in RANGES:
            return self.name
        start, end = formats.at(self.start, "%-d %b %H:%M"), formats.at(self.end, "%-d %b %H:%M")
        return f"{start} to {end.removeprefix(formats.at(self.start, '%-d %b '))}"

    @property
    def form(self) -> tuple[str, str]:
        """What stands in the fields of the form."""
        if self.wanted is not None:
            return self.wanted
        if self._is_relative:
            return _ago(self.now - self.start), _ago(self.now - self.end)
        return tuple(formats.at(moment, "%Y-%m-%d %H:%M") for moment in (self.start, self.end))  # type: ignore[return-value]

    @property
    def earlier(self) -> Query | None:
        """The range of the same length before this one; None where nothing is kept."""
        return self._moved(self.start - self.length, self.start)

    @property
    def later(self) -> Query | None:
        """The range of the same length after this one, ending now at the latest; None where this one does."""
        end = min(self.end + self.length, self.now)
        return self._moved(end - self.length, end) if self.is_fixed else None

    @property
    def wider(self) -> Query | None:
        """Twice the range around the same middle, as far as there are figures; None where there are no more."""
        end = min(self.end + self.length / 2, self.now)
        start = max(end - 2 * self.length, self.now - WIDEST)
        return self._moved(start, end) if end - start > self.length else None

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    @property
    def _is_relative(self) -> bool:
        return "from" not in self.query or bool(
            RELATIVE.fullmatch(self.query["from"]) and RELATIVE.fullmatch(self.query["to"])
        )

    def _moved(self, start: datetime, end: datetime) -> Query | None:
        if start < self.now - WIDEST - MINUTE:
            return None
        if self._is_relative:
            # the same words while the page stays, though its moments move
            return {"from": _ago(self.now - start), "to": _ago(self.now - end)}
        return dict(zip(("from", "to"), ranges.named(start, end).split(ranges.BETWEEN), strict=True))


def chosen(request: HttpRequest, default: str = DEFAULT) -> Chosen:
    """The range that the URL names. Where that can't be shown, the last that could, or the default, and the problem.

    A page with a default of its own asks first: what a request has chosen stays.
    """
    kept = vars(request)
    if "chosen_range" not in kept:
        kept["chosen_range"] = read(request.GET.dict(), now=timezone.now(), default=default)
    found: Chosen = kept["chosen_range"]
    return found


def read(given: dict[str, str], *, now: datetime, default: str = DEFAULT) -> Chosen:
    """The range of a URL's query at `now`."""
    start, end = (given.get(name, "").strip()[:60] for name in ("from", "to"))
    try:
        if start or end:
            return between(start, end or "now", now=now)
        return of_name(given.get("range") or default, now=now)
    except RangeError as problem:
        why = str(problem)
    wanted = (start, end) if start or end else None
    try:
        good = of_name(given.get("last") or default, now=now)
    except RangeError:
        good = of_name(default, now=now)
    return Chosen(good.name, good.query, good.start, good.end, now, why, wanted)


def of_name(name: str, *, now: datetime) -> Chosen:
    """A range by its name. Raises RangeError."""
    if name in RANGES:
        length = timedelta(seconds=RANGES[name][0])
        return Chosen(name, {"range": name}, now - length, now, now)
    if ranges.BETWEEN not in name:
        raise RangeError(f"There is no range “{name[:20]}”. Choose {', '.join(RANGES)}, or from when to when")
    start, end = ranges.moments(name)
    ranges.check(start, end, now=now)
    return Chosen(name, {"range": name}, start, end, now)


def between(start: str, end: str, *, now: datetime) -> Chosen:
    """A range from one moment to another, as people write them. Raises RangeError."""
    if not start:
        raise RangeError(f"It says when it ends, but not when it starts. {EXAMPLE}")
    begins, ends = moment(start, now=now), moment(end, now=now)
    ranges.check(begins, ends, now=now)
    ends = min(ends, now)
    if ends <= begins:
        raise RangeError("It starts now, and nothing has been measured since. Let it start earlier")
    return Chosen(ranges.named(begins, ends), {"from": start, "to": end}, begins, ends, now)


def moment(text: str, *, now: datetime) -> datetime:
    """A moment as people write it: now, now-2h, or a date and time, in the chosen zone where it names none."""
    try:
        if relative := RELATIVE.fullmatch(text):
            count, unit = relative.groups()
            return now - int(count) * UNITS[unit] if count else now
        read = datetime.fromisoformat(text)
        aware = read if read.tzinfo else timezone.make_aware(read)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        raise RangeError(f"“{text[:30]}” is no time that can be read. {EXAMPLE}") from problem


def _ago(length: timedelta) -> str:
    """now, now-90m, now-2h: the widest unit that fits, rounded to minutes."""
    minutes = round(length.total_seconds() / 60)
    if not minutes:
        return "now"
    size, unit = next((size, unit) for size, unit in ((1440, "d"), (60, "h"), (1, "m")) if minutes % size == 0)
    return f"now-{minutes // size}{unit}"
