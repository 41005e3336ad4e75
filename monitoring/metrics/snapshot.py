"""The snapshot that the aggregator publishes each second: what every viewer reads, for one Redis GET."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

import orjson
import redis
from django.conf import settings
from django.db import connection

from monitoring.metrics.flush import connect
from monitoring.metrics.sketch import table, table_quantiles
from monitoring.models import LatencySketch, Process, Series

KEY: Final = "metrics:snapshot"
TTL_S: Final = 3600
SPAN_S: Final = 60
REPORTING_S: Final = 5  # a process that sent within this many seconds reports

Percentiles = tuple[float | None, float | None, float | None]

RECENT_SQL = "SELECT second, points FROM monitoring_second WHERE second >= %s AND second < %s ORDER BY second"


@dataclass(frozen=True, slots=True)
class Figure:
    """One series now: per second over the last 10 s and 60 s; percentiles of a latency in seconds; a gauge's value."""

    kind: str
    rate_10s: float = 0.0
    rate_60s: float = 0.0
    value: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state at `at` (epoch seconds); `processes` of `expected` have sent their figures."""

    at: int
    processes: int
    expected: int
    late: int = 0
    series: Mapping[str, Figure] = field(default_factory=dict)

    @property
    def is_partial(self) -> bool:
        """Whether figures of a process that should report are missing."""
        return self.processes < self.expected

    @property
    def reporting(self) -> str:
        """Whose figures these are, in words."""
        said = f"{self.processes} of {self.expected}"
        return f"partial: {said} processes reporting" if self.is_partial else said

    def age_s(self, now: float) -> float:
        """Seconds since it was made; `now` in epoch seconds."""
        return max(0.0, now - self.at)


def take(*, now: int, late: int = 0) -> Snapshot:
    """The snapshot of the minute that ends three seconds before `now`, when its seconds are complete."""
    end = now - 3
    names = {row.slot: row for row in Series.objects.all()}
    with connection.cursor() as cursor:
        cursor.execute(RECENT_SQL, [end - SPAN_S, end])
        rows = cursor.fetchall()
    percentiles = _percentiles(end)
    figures = {row.name: _figure(row, rows, end, percentiles.get(slot)) for slot, row in names.items()}
    alive = Process.objects.filter(seen__gte=now - SPAN_S, has_ended=False)
    reporting = alive.filter(seen__gte=now - REPORTING_S).count()
    return Snapshot(now, reporting, alive.count(), late, figures)


def publish(snapshot: Snapshot, client: redis.Redis) -> None:
    client.set(KEY, orjson.dumps(asdict(snapshot)), ex=TTL_S)


def latest() -> Snapshot | None:
    """The newest snapshot; None when there is none or Redis is away."""
    try:
        packed = _client().get(KEY)
    except redis.RedisError:
        return None
    if packed is None:
        return None
    parts = orjson.loads(packed)
    parts["series"] = {name: Figure(**figure) for name, figure in parts["series"].items()}
    return Snapshot(**parts)


_clients: dict[str, redis.Redis] = {}


def _client() -> redis.Redis:
    if settings.REDIS_URL not in _clients:
        _clients[settings.REDIS_URL] = connect(settings.REDIS_URL)
    return _clients[settings.REDIS_URL]


def _percentiles(end: int) -> dict[int, Percentiles]:
    """By slot those of the last minute, in whole windows of ten seconds; all sketches are merged at once."""
    recent = LatencySketch.objects.filter(width=10, start__gte=end - SPAN_S, start__lt=end)
    rows = list(recent.values_list("series_id", "packed"))
    slots = sorted({slot for slot, _ in rows})
    counts = table([bytes(packed) for _, packed in rows], [slots.index(slot) for slot, _ in rows], len(slots))
    p50, p95, p99 = (table_quantiles(counts, q) for q in (0.5, 0.95, 0.99))
    return dict(zip(slots, zip(p50, p95, p99, strict=True), strict=True))


def _figure(
    series: Series, rows: list[tuple[int, list[float | None]]], end: int, percentiles: Percentiles | None
) -> Figure:
    points = [(second, values[series.slot - 1]) for second, values in rows if len(values) >= series.slot]
    known = [(second, value) for second, value in points if value is not None]
    if series.kind == Series.Kind.GAUGE:
        return Figure(series.kind, value=known[-1][1] if known else None)
    rates = {
        "rate_10s": sum(value for second, value in known if second >= end - 10) / 10,
        "rate_60s": sum(value for _, value in known) / SPAN_S,
    }
    p50, p95, p99 = percentiles or (None, None, None)
    return Figure(series.kind, **rates, p50=p50, p95=p95, p99=p99)
