"""Reads figures of a span of time from the tiers: hours, then minutes, then the seconds that are not rolled up yet."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
from django.db import connection

from monitoring.metrics.sketch import Counts, table, table_quantiles
from monitoring.metrics.store.rollup import HOUR_S, MINUTE_S, SEAL_AFTER_S
from monitoring.models import Hour, LatencySketch, MinuteChunk, Series, Watermark

# name: length and step in seconds; steps are multiples of the narrowest sketch, and points are few enough to draw
RANGES: Final = {"15m": (900, 10), "1h": (3600, 30), "6h": (21_600, 180), "24h": (86_400, 720), "7d": (604_800, 7200)}

SECONDS_SQL = """
SELECT (second - %s) / %s AS step, point.slot, sum(point.value), count(point.value)
FROM monitoring_second, unnest(points) WITH ORDINALITY AS point (value, slot)
WHERE second >= %s AND second < %s AND point.slot = ANY (%s) AND point.value IS NOT NULL
GROUP BY 1, 2
"""

Steps = npt.NDArray[np.float64]


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


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece [start, end) of a span, in epoch seconds, that is read from one tier."""

    tier_s: int
    start: int
    end: int


def span(range_name: str, *, now: datetime) -> Span:
    """The span of that name at `now`. Raises ValueError for an unknown name.

    It ends with the last complete step; where steps are longer than a minute, with the step that is going on.
    """
    if range_name not in RANGES:
        raise ValueError(f"the range must be one of {', '.join(RANGES)}, got {range_name!r}")
    length, step = RANGES[range_name]
    end = (int(now.timestamp()) - SEAL_AFTER_S) // min(step, MINUTE_S) * min(step, MINUTE_S)
    end += -end % step if step > MINUTE_S else -(end % step)
    ends = datetime.fromtimestamp(end, UTC)
    return Span(ends - timedelta(seconds=length), ends, step)


def counts(names: Sequence[str], span: Span) -> dict[str, list[float]]:
    """Per step the sum of a counter, or the number of observations of a latency series; 0 where there is nothing."""
    return {name: sums.tolist() for name, (sums, _) in _figures(names, span).items()}


def gauges(names: Sequence[str], span: Span) -> dict[str, list[float | None]]:
    """Per step the mean of a gauge's samples; None where it was not sampled."""
    return {
        name: [total / n if n else None for total, n in zip(sums.tolist(), samples.tolist(), strict=True)]
        for name, (sums, samples) in _figures(names, span).items()
    }


def quantiles(name: str, span: Span, qs: Sequence[float] = (0.5, 0.95, 0.99)) -> dict[float, list[float | None]]:
    """Per step the quantiles of a latency series in seconds, from its merged sketches; None without observations."""
    merged = _sketches([name], span)
    return {q: table_quantiles(merged, q) for q in qs}


def quantile(names: Sequence[str], span: Span, q: float) -> float | None:
    """One quantile in seconds over the whole span and all the series together."""
    return table_quantiles(_sketches(names, span).sum(axis=0, keepdims=True), q)[0]


def total(names: Sequence[str], span: Span) -> float:
    """The sum over the span and all the series."""
    return float(sum(sums.sum() for sums, _ in _figures(names, span).values()))


def names(prefix: str) -> list[str]:
    """The names of the series that start with `prefix`, in order."""
    return list(Series.objects.filter(name__startswith=prefix).order_by("name").values_list("name", flat=True))


def _parts(span: Span) -> Iterator[_Part]:
    """Which tier serves which piece: the widest whose rows are complete and no wider than a step."""
    start, end = int(span.start.timestamp()), int(span.end.timestamp())
    mark = Watermark.objects.values_list("sealed_until", flat=True).first()
    sealed = int(time.time()) if mark is None else mark
    for tier in (HOUR_S, MINUTE_S):
        until = min(end, sealed - sealed % tier)
        if span.step_s % tier == 0 and until > start:
            # a span that starts inside an hour begins with minutes of it
            first = start + -start % tier
            if first < until:
                if start < first:
                    yield _Part(MINUTE_S, start, first)
                yield _Part(tier, first, until)
                start = until
    if start < end:
        yield _Part(1, start, end)


def _figures(names: Sequence[str], span: Span) -> dict[str, tuple[Steps, Steps]]:
    """Per series and step the sum and the number of its points (seconds that have one)."""
    slots = dict(Series.objects.filter(name__in=names).values_list("slot", "name"))
    found = {name: (np.zeros(span.points), np.zeros(span.points)) for name in names}
    origin = int(span.start.timestamp())
    for part in _parts(span):
        for slot, second, value, samples in _cells(part, list(slots), span):
            step = (second - origin) // span.step_s
            sums, counted = found[slots[slot]]
            sums[step] += value
            counted[step] += samples
    return found


def _cells(part: _Part, slots: list[int], span: Span) -> Iterator[tuple[int, int, float, float]]:
    """(slot, epoch second, sum, samples) of all rows of a part."""
    if part.tier_s == HOUR_S:
        hours = Hour.objects.filter(series_id__in=slots, hour__gte=part.start, hour__lt=part.end)
        yield from hours.values_list("series_id", "hour", "sum", "samples")
    elif part.tier_s == MINUTE_S:
        yield from _minutes(part, slots)
    else:
        with connection.cursor() as cursor:
            # Grouped by the span's steps, not the part's: a part may begin within a step
            origin = int(span.start.timestamp())
            cursor.execute(SECONDS_SQL, [origin, span.step_s, part.start, part.end, slots])
            for step, slot, value, samples in cursor.fetchall():
                yield int(slot), origin + int(step) * span.step_s, float(value), float(samples)


def _minutes(part: _Part, slots: list[int]) -> Iterator[tuple[int, int, float, float]]:
    first = part.start - part.start % HOUR_S
    chunks = MinuteChunk.objects.filter(series_id__in=slots, hour__gte=first, hour__lt=part.end)
    for slot, hour, sums, samples in chunks.values_list("series_id", "hour", "sums", "samples"):
        for place, (value, n) in enumerate(zip(sums, samples, strict=True)):
            second = hour + place * MINUTE_S
            if value is not None and n is not None and part.start <= second < part.end:
                yield slot, second, value, n


def _sketches(names: Sequence[str], span: Span) -> Counts:
    """Per step the merged buckets of the series: shape (points, buckets)."""
    packed: list[bytes] = []
    steps: list[int] = []
    origin = int(span.start.timestamp())
    for part in _parts(span):
        width = max(part.tier_s, 10)
        rows = LatencySketch.objects.filter(series__name__in=names, width=width)
        for start, sketch in rows.filter(start__gte=part.start, start__lt=part.end).values_list("start", "packed"):
            packed.append(bytes(sketch))
            steps.append((start - origin) // span.step_s)
    return table(packed, steps, span.points)
