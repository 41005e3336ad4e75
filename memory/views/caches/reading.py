"""What the caches did over a range and hold now, read at once for the whole page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from memory.caching import CACHES
from memory.caching.stats import COUNTERS, Figures, Traffic, contents
from monitoring.console.figures import Counted
from monitoring.metrics import read
from monitoring.metrics.read import Span


@dataclass(frozen=True, slots=True)
class Reading:
    """All caches, with their hits and misses by name and step."""

    span: Span
    caches: list[Figures]
    hits: Mapping[str, Counted]
    misses: Mapping[str, Counted]


def gather(span: Span) -> Reading:
    """Reads the figures of a span. What nobody recorded yet is empty, not absent."""
    known = read.known()
    counted = read.figures((_series(name, what) for name in CACHES for what in COUNTERS), span, known=known)
    took = read.table([_series(name, "get") for name in CACHES], span, reach=known.reach, slots=known.slots)
    p50, p95 = took.whole(0.5), took.whole(0.95)
    return Reading(
        span=span,
        caches=[
            _figures(name, counted, p50_s=p50[_series(name, "get")], p95_s=p95[_series(name, "get")]) for name in CACHES
        ],
        hits={name: counted.counts(_series(name, "hits")) for name in CACHES},
        misses={name: counted.counts(_series(name, "misses")) for name in CACHES},
    )


def _figures(name: str, counted: read.Figures, *, p50_s: float | None, p95_s: float | None) -> Figures:
    cache = CACHES[name]
    policy = cache.policy
    sums = {what: int(counted.total([_series(name, what)])) for what in COUNTERS}
    traffic = Traffic(**sums, p50_ms=_ms(p50_s), p95_ms=_ms(p95_s))
    return Figures(name, policy.title, policy.ttl_s, policy.stale_s, policy.entries, traffic, contents(cache))


def _series(name: str, what: str) -> str:
    return f"cache.{name}.{what}"


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
