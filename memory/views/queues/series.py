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
    gauges = read.gauges([*(f"queue.{level}" for level in LEVELS), OLDEST], span)
    waits = {level: f"queue.{level}.wait" for level in LEVELS}
    return Series(
        span=span,
        counts=read.counts([f"queue.{level}.{what}" for level in LEVELS for what in COUNTED], span),
        depth={level: gauges[f"queue.{level}"] for level in LEVELS},
        oldest=gauges[OLDEST],
        waits={level: read.quantiles(name, span, (P95,))[P95] for level, name in waits.items()},
        wait_p95_s={
            "": read.quantile(list(waits.values()), span, P95),
            "high": read.quantile([waits["critical"], waits["high"]], span, P95),
        },
    )
