"""What the caches do: figures of a span of time from the metrics, and what lies in Redis now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from memory.caching.cache import Cache
from memory.caching.named import CACHES
from memory.caching.store.link import AwayError
from memory.caching.store.usage import Used
from monitoring.metrics import read

COUNTERS: Final = (
    "hits",
    "misses",
    "stale",
    "errors",
    "evictions",
    "oversized",
    "similar",
    "vetoed",
    "bytes_raw",
    "bytes_stored",
)
SAMPLE: Final = 200  # namespaces looked into; the rest is taken to be like them
LISTED: Final = 5_000  # namespaces among which those of one workspace are looked for, last used first
TOP: Final = 10


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a cache did in a span. Times in milliseconds; ratios are None where there is nothing to divide by."""

    hits: int
    misses: int
    stale: int
    errors: int
    evictions: int
    oversized: int
    similar: int
    vetoed: int
    bytes_raw: int
    bytes_stored: int
    p50_ms: float | None
    p95_ms: float | None

    @property
    def hit_rate(self) -> float | None:
        """Hits of all look-ups, 0 to 1; an answer to a similar question is a hit that was a miss before."""
        asked = self.hits + self.misses - self.similar
        return self.hits / asked if asked > 0 else None

    @property
    def ratio(self) -> float | None:
        """Bytes kept by bytes given: 0.3 means that entries take three tenths of their values."""
        return self.bytes_stored / self.bytes_raw if self.bytes_raw else None


@dataclass(frozen=True, slots=True)
class Contents:
    """What lies in Redis now. Entries and bytes are estimates where there are more than SAMPLE namespaces."""

    namespaces: int
    entries: int
    bytes: int
    is_estimate: bool
    top_namespaces: Sequence[tuple[str, int]]
    top_keys: Sequence[Used]


@dataclass(frozen=True, slots=True)
class Figures:
    """One cache, as the console and the API show it. `contents` is None while Redis is away."""

    name: str
    title: str
    ttl_s: float
    stale_s: float
    entries_limit: int
    traffic: Traffic
    contents: Contents | None


def figures(*, now: datetime, range_name: str = "1h", names: Sequence[str] = tuple(CACHES)) -> list[Figures]:
    """The caches of these names. Raises ValueError for an unknown range, KeyError for an unknown cache."""
    span = read.span(range_name, now=now)
    return [_figures(CACHES[name], span, now) for name in names]


def traffic(name: str, span: read.Span) -> Traffic:
    """What the processes of this installation counted in a span."""
    series = {what: f"cache.{name}.{what}" for what in COUNTERS}
    counted = read.counts(list(series.values()), span)
    sums: dict[str, Any] = {what: int(sum(counted[full])) for what, full in series.items()}
    took = (read.quantile([f"cache.{name}.get"], span, q) for q in (0.5, 0.95))
    p50_ms, p95_ms = (None if seconds is None else seconds * 1000 for seconds in took)
    return Traffic(**sums, p50_ms=p50_ms, p95_ms=p95_ms)


def contents(cache: Cache, *, scope: str = "") -> Contents | None:
    """What lies in Redis, of all namespaces or those that begin with `scope`; None while Redis is away."""
    now = cache.clock()
    try:
        total, live = _live(cache, now)
        used = cache.usage.top(cache.link, now=now, limit=1000)
        mine = [name for name in live if name.startswith(scope)]
        sizes = _sizes(cache, mine[:SAMPLE])
    except AwayError:
        return None
    number = len(mine) if scope else total
    entries, size = (sum(column) * number // len(sizes) for column in zip(*sizes, strict=True)) if sizes else (0, 0)
    used = [one for one in used if one.namespace.startswith(scope)]
    uses: Counter[str] = Counter()
    for one in used:
        uses[one.namespace] += one.uses
    return Contents(number, entries, size, number > SAMPLE, uses.most_common(TOP), used[:TOP])


def _figures(cache: Cache, span: read.Span, now: datetime) -> Figures:
    policy = cache.policy
    shown = traffic(policy.name, span)
    return Figures(policy.name, policy.title, policy.ttl_s, policy.stale_s, policy.entries, shown, contents(cache))


def _live(cache: Cache, now: float) -> tuple[int, list[str]]:
    """How many namespaces may have entries, and the last used of them. Forgets those that can't."""
    oldest = int(now - cache.policy.longest_s - cache.policy.stale_s) - 60
    index = cache.usage.index
    _, total, found = cache.link.ask_all(
        [("ZREMRANGEBYSCORE", index, "-inf", oldest), ("ZCARD", index), ("ZREVRANGE", index, 0, LISTED - 1)]
    )
    return int(total), [name.decode() for name in found]


def _sizes(cache: Cache, namespaces: Sequence[str]) -> list[tuple[int, int]]:
    """Entries and bytes of each."""
    if not namespaces:
        return []
    asked: list[tuple[Any, ...]] = []
    for namespace in namespaces:
        keys = cache.keys(namespace)
        asked += [("HLEN", keys[0]), *(("MEMORY", "USAGE", key) for key in keys)]
    answers = cache.link.ask_all(asked)
    each = [answers[start : start + 5] for start in range(0, len(answers), 5)]
    return [(max(0, entries - 1), sum(size or 0 for size in sizes)) for entries, *sizes in each]
