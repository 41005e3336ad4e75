"""The state of things in one JSON document, from the snapshot alone: for people with curl, and for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from monitoring import breakers
from monitoring.metrics import snapshot
from monitoring.metrics.snapshot import Figure

MS: Final = 1000
PRIORITIES: Final = ("critical", "high", "normal", "low", "bulk")
NOTHING: Final = Figure("")


@dataclass(frozen=True, slots=True)
class Timed:
    """A latency series: per second over the last minute, percentiles of that minute in milliseconds, failed share."""

    name: str
    per_s: float
    per_s_10s: float
    errors_per_s: float
    error_share: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Cache:
    name: str
    hits_per_s: float
    misses_per_s: float
    hit_rate: float | None


@dataclass(frozen=True, slots=True)
class Queue:
    priority: str
    depth: float | None
    running: float | None
    oldest_s: float | None
    in_per_s: float
    out_per_s: float
    wait_p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Breaker:
    name: str
    state: str
    failure_rate: float
    retry_after_s: float


@dataclass(frozen=True, slots=True)
class Processes:
    reporting: int
    expected: int
    is_partial: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """`age_s` is how old the figures are; the operations asked most come first, and breakers that need somebody."""

    at: datetime
    age_s: float
    processes: Processes
    requests: Timed
    operations: list[Timed]
    jobs: list[Timed]
    providers: list[Timed]
    caches: list[Cache]
    queues: list[Queue]
    dead_jobs: float | None
    oldest_job_s: float | None
    breakers: list[Breaker]


def summary(*, now: datetime) -> Summary | None:
    """None while there is no snapshot: no aggregator has worked for an hour."""
    taken = snapshot.latest()
    if taken is None:
        return None
    series = taken.series
    return Summary(
        at=datetime.fromtimestamp(taken.at, UTC),
        age_s=taken.age_s(now.timestamp()),
        processes=Processes(taken.processes, taken.expected, taken.processes < taken.expected),
        requests=_timed(series, "requests", "requests.errors", "requests"),
        operations=_family(series, "operation.", "errors"),
        jobs=_family(series, "job.", "errors"),
        providers=_family(series, "provider.", "failed"),
        caches=_caches(series),
        queues=[_queue(series, priority) for priority in PRIORITIES],
        dead_jobs=_value(series, "queue.dead"),
        oldest_job_s=_value(series, "queue.oldest_s"),
        breakers=[
            Breaker(view.name, view.state.value, view.failure_rate, view.retry_after_s)
            for view in breakers.overview(now)
        ],
    )


def _family(series: Mapping[str, Figure], prefix: str, failed: str) -> list[Timed]:
    """The latency series that begin like this, those with most calls first."""
    names = [name for name, figure in series.items() if name.startswith(prefix) and figure.kind == "latency"]
    found = [_timed(series, name, f"{name}.{failed}", name.removeprefix(prefix)) for name in names]
    return sorted(found, key=lambda each: (-each.per_s, each.name))


def _timed(series: Mapping[str, Figure], name: str, errors: str, shown: str) -> Timed:
    figure, failed = series.get(name, NOTHING), series.get(errors, NOTHING)
    return Timed(
        name=shown,
        per_s=figure.rate_60s,
        per_s_10s=figure.rate_10s,
        errors_per_s=failed.rate_60s,
        error_share=failed.rate_60s / figure.rate_60s if figure.rate_60s else None,
        p50_ms=_ms(figure.p50),
        p95_ms=_ms(figure.p95),
        p99_ms=_ms(figure.p99),
    )


def _caches(series: Mapping[str, Figure]) -> list[Cache]:
    ends = (".hits", ".misses")
    names = sorted({name.split(".")[1] for name in series if name.startswith("cache.") and name.endswith(ends)})
    caches = []
    for name in names:
        hits, misses = (series.get(f"cache.{name}{end}", NOTHING).rate_60s for end in ends)
        caches.append(Cache(name, hits, misses, hits / (hits + misses) if hits + misses else None))
    return caches


def _queue(series: Mapping[str, Figure], priority: str) -> Queue:
    name = f"queue.{priority}"
    return Queue(
        priority=priority,
        depth=_value(series, name),
        running=_value(series, f"{name}.running"),
        oldest_s=_value(series, f"{name}.oldest_s"),
        in_per_s=series.get(f"{name}.in", NOTHING).rate_60s,
        out_per_s=series.get(f"{name}.out", NOTHING).rate_60s,
        wait_p95_ms=_ms(series.get(f"{name}.wait", NOTHING).p95),
    )


def _value(series: Mapping[str, Figure], name: str) -> float | None:
    return series.get(name, NOTHING).value


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * MS, 3)
