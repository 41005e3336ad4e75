"""Ranges of time by name: those that end now, such as 6h, and those from one moment to another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from monitoring.metrics.store.retain import HOURS_S, MINUTES_S, SECONDS_S
from monitoring.metrics.store.rollup import HOUR_S, MINUTE_S, SEAL_AFTER_S

DAY_S: Final = 86_400
# name: length and step in seconds; steps are multiples of the narrowest sketch, and points are few enough to draw
RANGES: Final = {
    "15m": (900, 10),
    "1h": (3600, 30),
    "6h": (21_600, 180),
    "24h": (DAY_S, 720),
    "7d": (7 * DAY_S, 7200),
    "30d": (30 * DAY_S, 21_600),
    "13mo": (HOURS_S, 4 * DAY_S),
}
POINTS: Final = 120
STEPS: Final = (
    10,
    30,
    60,
    120,
    180,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10_800,
    21_600,
    43_200,
    DAY_S,
    2 * DAY_S,
    4 * DAY_S,
)
BETWEEN: Final = ".."
FORM: Final = "%Y-%m-%dT%H:%MZ"


class RangeError(ValueError):
    """A range that can't be shown: what is wrong with it, and what to choose instead."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` until before `end` (aware UTC), in steps of `step_s` seconds; both are whole steps."""

    start: datetime
    end: datetime
    step_s: int

    @property
    def points(self) -> int:
        return int((self.end - self.start).total_seconds()) // self.step_s

    def moment(self, step: int) -> datetime:
        """When a step begins."""
        return self.start + timedelta(seconds=step * self.step_s)

    def before(self) -> Span:
        """The span of the same length that ends where this one starts."""
        return Span(self.start - (self.end - self.start), self.start, self.step_s)


def span(range_name: str, *, now: datetime) -> Span:
    """The span of that name at `now`. Raises RangeError, a ValueError, for a name that is none.

    It ends with the last complete step; where steps are longer than a minute, with the step that is going on.
    """
    if BETWEEN in range_name:
        return _between(*moments(range_name), now=now)
    if range_name not in RANGES:
        raise RangeError(f"the range must be one of {', '.join(RANGES)}, got {range_name[:60]!r}")
    length, step = RANGES[range_name]
    end = (int(now.timestamp()) - SEAL_AFTER_S) // min(step, MINUTE_S) * min(step, MINUTE_S)
    end += -end % step if step > MINUTE_S else -(end % step)
    ends = datetime.fromtimestamp(end, UTC)
    return Span(ends - timedelta(seconds=length), ends, step)


def named(start: datetime, end: datetime) -> str:
    """The name of the range between two moments, whole minutes that hold both."""
    start, end = (moment.astimezone(UTC) for moment in (start, end))
    whole = end.replace(second=0, microsecond=0)
    return f"{start:{FORM}}{BETWEEN}{whole if whole == end else whole + timedelta(minutes=1):{FORM}}"


def moments(range_name: str) -> tuple[datetime, datetime]:
    """The two moments of such a name. Raises RangeError."""
    start, _, end = range_name.partition(BETWEEN)
    try:
        return datetime.strptime(start, FORM).replace(tzinfo=UTC), datetime.strptime(end, FORM).replace(tzinfo=UTC)
    except ValueError as problem:
        raise RangeError(
            f"a range looks like 2026-11-21T10:00Z..2026-11-21T12:00Z, got {range_name[:60]!r}"
        ) from problem


def check(start: datetime, end: datetime, *, now: datetime) -> None:
    """Raises RangeError, in words for whoever chose it, where nothing can be shown between these moments."""
    if end <= start:
        raise RangeError("It ends before it starts. Give a start that is earlier than the end")
    if end > now + timedelta(minutes=1):
        raise RangeError("It ends in the future, where nothing has been measured. Let it end now or earlier")
    if start < now - timedelta(seconds=HOURS_S):
        raise RangeError("It starts more than 13 months ago, and figures are kept for 13 months. Start it later")


def _between(start: datetime, end: datetime, *, now: datetime) -> Span:
    check(start, end, now=now)
    first, last = int(start.timestamp()), int(end.timestamp())
    # the period before is compared with this one, and must be kept in the same grain
    age_s = now.timestamp() - (2 * first - last)
    grain = HOUR_S if age_s > MINUTES_S else MINUTE_S if age_s > SECONDS_S else 1
    for step in STEPS:
        begins, ends = first - first % step, last + -last % step
        if step % grain == 0 and (ends - begins) // step <= POINTS:
            return Span(datetime.fromtimestamp(begins, UTC), datetime.fromtimestamp(ends, UTC), step)
    raise RangeError("It is longer than 13 months")
