"""The figures of the overview: all that it shows of one span, read in one place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from monitoring.metrics import read
from monitoring.metrics.read import Known, Span

CONTEXT = "operation.assemble_context"
REQUESTS = "requests"
ERRORS = "requests.errors"
MESSAGES = "messages.posted"
MEMORIES = "memories.active"
OLDEST = "queue.oldest_s"
FIRING = "alerts.firing"
OLDEST_LIMIT_S = 60
PRIORITIES = ("critical", "high", "normal", "low", "bulk")
QUEUES = tuple(f"queue.{priority}" for priority in PRIORITIES)
GAUGES = (*QUEUES, OLDEST, MEMORIES, FIRING)
QUANTILES = (0.5, 0.95, 0.99)
P95 = 0.95

Counted = list[float]
Measured = list[float | None]


@dataclass(frozen=True, slots=True)
class Figures:
    """Series of one span, a value for each step; durations in seconds."""

    span: Span
    counts: dict[str, Counted]
    gauges: dict[str, Measured]
    latency: dict[float, Measured]  # none where nobody draws it
    p95_s: float | None
    last_s: float  # seconds of the last step that have passed: the span may end with a step that has not

    @property
    def seconds(self) -> float:
        return (self.span.points - 1) * self.span.step_s + self.last_s

    def rate(self, name: str) -> Counted:
        """Per second."""
        *whole, last = self.counts[name]
        return [*(n / self.span.step_s for n in whole), last / self.last_s]

    def total(self, *names: str) -> float:
        return sum(sum(self.counts[name]) for name in names)

    def moment(self, step: int) -> datetime:
        """When a step begins."""
        return self.span.moment(step)

    @property
    def caches(self) -> list[str]:
        """The caches that were asked, by name."""
        names = {name.split(".")[1] for name in self.counts if name.startswith("cache.")}
        return sorted(name for name in names if self.lookups(name))

    def lookups(self, cache: str) -> float:
        return self.total(*self._of(cache))

    def hit_rate(self, cache: str) -> Measured:
        hits, misses = (self.counts[name] for name in self._of(cache))
        return shares(hits, [h + m for h, m in zip(hits, misses, strict=True)])

    def all_hits(self) -> tuple[Counted, Counted]:
        """Hits and lookups of all caches together."""
        hits = _sum(self.counts[f"cache.{cache}.hits"] for cache in self.caches)
        return hits, _sum(self.counts[name] for cache in self.caches for name in self._of(cache))

    def depth(self) -> Measured:
        """Jobs that wait, of all priorities; None where no queue was measured."""
        columns = zip(*(self.gauges[queue] for queue in QUEUES), strict=True)
        return [sum(n or 0 for n in column) if any(n is not None for n in column) else None for column in columns]

    def _of(self, cache: str) -> tuple[str, str]:
        return f"cache.{cache}.hits", f"cache.{cache}.misses"


def compared(span: Span, *, now: datetime, known: Known) -> tuple[Figures, Figures]:
    """The figures of a span and of the one before it, in one pass. Of what was before, lines are not drawn."""
    before = span.before()
    found = read.figures(_wanted(known), Span(before.start, span.end, span.step_s), known=known)
    lines = read.table([CONTEXT], span, step_s=span.step_s, reach=known.reach, slots=known.slots)
    latency = {q: lines.line(CONTEXT, q) for q in QUANTILES}
    earlier = read.table([CONTEXT], before, reach=known.reach, slots=known.slots)
    return (
        _figures(found.within(span), now=now, latency=latency, p95_s=lines.together(P95)),
        _figures(found.within(before), now=now, p95_s=earlier.together(P95)),
    )


def gather(span: Span, *, now: datetime, known: Known) -> Figures:
    """The figures of a span whose lines are not drawn."""
    found = read.figures(_wanted(known), span, known=known)
    whole = read.table([CONTEXT], span, reach=known.reach, slots=known.slots)
    return _figures(found, now=now, p95_s=whole.together(P95))


def _wanted(known: Known) -> list[str]:
    return [REQUESTS, ERRORS, MESSAGES, *_lookups(known), *GAUGES]


def _lookups(known: Known) -> list[str]:
    """The series of every cache that has one of the two."""
    ends = ("hits", "misses")
    caches = {".".join(name.split(".")[:2]) for name in known.names("cache.") if name.rpartition(".")[2] in ends}
    return [f"{cache}.{end}" for cache in sorted(caches) for end in ends]


def _figures(
    found: read.Figures, *, now: datetime, latency: dict[float, Measured] | None = None, p95_s: float | None
) -> Figures:
    """Series that nobody recorded yet are empty, not absent."""
    ahead_s = (found.span.end - now).total_seconds()
    return Figures(
        span=found.span,
        counts={name: found.counts(name) for name in found.rows if name not in GAUGES},
        gauges={name: found.gauges(name) for name in GAUGES},
        latency=latency or {},
        p95_s=p95_s,
        last_s=max(1.0, found.span.step_s - max(0.0, ahead_s)),
    )


def shares(parts: Iterable[float], wholes: Iterable[float]) -> Measured:
    """Part of whole, None where there was nothing to divide."""
    return [part / whole if whole else None for part, whole in zip(parts, wholes, strict=True)]


def latest(series: Iterable[float | None]) -> float | None:
    """The last value that was measured."""
    return next((value for value in reversed(list(series)) if value is not None), None)


def _sum(columns: Iterable[Counted]) -> Counted:
    return [sum(values) for values in zip(*columns, strict=True)]
