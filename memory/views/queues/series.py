"""The recorded figures of the queues over a range, read in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from memory.models import Priority
from monitoring.console.figures import OLDEST, Counted, Measured
from monitoring.metrics import read
from monitoring.metrics.read import Span

LEVELS: Final = tuple(priority.name.lower() for priority in Priority)
COUNTED: Final = ("in", "out", "failed", "dead", "refused")
P95: Final = 0.95


@dataclass(frozen=True, slots=True)
class Series:
    """A value for each step of the span; waits in seconds."""

    span: Span
    counts: dict[str, Counted]  # queue.LEVEL.in and so on
    depth: dict[str, Measured]  # by level
    oldest: Measured
    waits: dict[str, Measured]  # p95 by level
    wait_p95_s: dict[str, float | None]  # by level over the whole span, and "" over all

    def total(self, level: str, what: str) -> float:
        return sum(self.counts[f"queue.{level}.{what}"])

    def all_of(self, what: str) -> Counted:
        """Of all levels together."""
        columns = zip(*(self.counts[f"queue.{level}.{what}"] for level in LEVELS), strict=True)
        return [sum(column) for column in columns]

    def rate(self, what: str) -> Measured:
        """Per second and of all levels; None throughout where nothing was counted."""
        per_s: Measured = [count / self.span.step_s for count in self.all_of(what)]
        return per_s if any(per_s) else [None] * len(per_s)

    def open(self) -> Measured:
        """Open jobs of all levels; None where they were not measured."""
        columns = zip(*(self.depth[level] for level in LEVELS), strict=True)
        return [sum(n or 0 for n in column) if any(n is not None for n in column) else None for column in columns]


def gather(span: Span) -> Series:
    """Reads the figures of a span. What nobody recorded yet is empty, not absent."""
    known = read.known()
    counted = [f"queue.{level}.{what}" for level in LEVELS for what in COUNTED]
    found = read.figures([*counted, *(f"queue.{level}" for level in LEVELS), OLDEST], span, known=known)
    waits = {level: f"queue.{level}.wait" for level in LEVELS}
    waited = read.table(list(waits.values()), span, step_s=span.step_s, reach=known.reach, slots=known.slots)
    lines = waited.lines(P95)
    return Series(
        span=span,
        counts={name: found.counts(name) for name in counted},
        depth={level: found.gauges(f"queue.{level}") for level in LEVELS},
        oldest=found.gauges(OLDEST),
        waits={level: lines[name] for level, name in waits.items()},
        wait_p95_s={
            "": waited.together(P95),
            "high": read.together(waited, [waits["critical"], waits["high"]], P95),
        },
    )
