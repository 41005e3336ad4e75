"""A metric family: the samples of one name, whatever format they are written in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from monitoring.metrics.sketch import LOWEST, PER_OCTAVE

PREFIX: Final = "holdfast_"
UNITS: Final = ("seconds", "bytes")

# The bounds of classic histograms: every power of two from 122 µs to 64 s. Each is a bound of our buckets too (bucket
# 32·n ends at 2^n s), so that the cumulative counts are exact, and as a float it is written without rounding.
OCTAVES: Final = range(-13, 7)
BOUNDS: Final = tuple(2.0**octave for octave in OCTAVES)

Labels = tuple[tuple[str, str], ...]


class Type(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


SUFFIXES: Final = {
    Type.COUNTER: ("", "_total", "_created"),
    Type.GAUGE: ("",),
    Type.HISTOGRAM: ("", "_bucket", "_count", "_sum", "_created"),
}


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One observation and the trace that it belongs to; `at` is in epoch seconds."""

    trace_id: str
    value: float
    at: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """Observations by our buckets, which are those of a native histogram of schema 5."""

    buckets: Mapping[int, int]
    seconds: float
    exemplars: tuple[Exemplar, ...] = ()

    @property
    def count(self) -> int:
        return sum(self.buckets.values())

    @property
    def zeros(self) -> int:
        """Observations of at most 2^-30 s: the zero bucket."""
        return self.buckets.get(LOWEST, 0)

    def positive(self) -> list[tuple[int, int]]:
        """The other buckets in order: (index, count)."""
        return sorted((index, n) for index, n in self.buckets.items() if n and index != LOWEST)

    def cumulative(self) -> Iterator[tuple[float, int]]:
        """(bound, observations at most as long) for each of BOUNDS."""
        rest = sorted(self.buckets.items(), reverse=True)
        reached = 0
        for octave, bound in zip(OCTAVES, BOUNDS, strict=True):
            while rest and rest[-1][0] <= octave * PER_OCTAVE:
                reached += rest.pop()[1]
            yield bound, reached


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled line of a family. `since` is the epoch second from which a counter or histogram counts."""

    labels: Labels = ()
    value: float = 0.0
    since: float | None = None
    histogram: Histogram | None = None


@dataclass(slots=True)
class Family:
    """`name` is without `_total`, as OpenMetrics has it."""

    name: str
    type: Type
    help: str
    samples: list[Sample] = field(default_factory=list)

    @property
    def unit(self) -> str:
        return next((unit for unit in UNITS if self.name.endswith(f"_{unit}")), "")

    @property
    def taken(self) -> set[str]:
        """The names that its lines may have, which no other family's may."""
        return {f"{self.name}{suffix}" for suffix in SUFFIXES[self.type]}
