"""What monitoring measures for readiness: serving, the queue, stores, providers, figures, alerts, drills, backups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Final

from django.conf import settings
from django.db import connection

from monitoring import breakers
from monitoring.breakers import State
from monitoring.health.drills import results
from monitoring.health.probes.checks import cache_server, migrations
from monitoring.health.probes.registry import Status
from monitoring.health.readiness.rules import Measured
from monitoring.metrics import read, snapshot
from monitoring.metrics.ranges import Span
from monitoring.metrics.snapshot import Figure, Snapshot
from monitoring.models import DrillResult, Evaluation

CONTEXT: Final = "operation.assemble_context"
AGGREGATE: Final = "Start `manage.py aggregate`: without it there are no figures, no alerts and no trend."
DRILLS_COUNT: Final = timedelta(days=30)
FALLBACK: Final = "circuit-breaker-test"
REQUESTS: Final = ("requests", "requests.errors")
HOUR: Final = timedelta(hours=1)
HOUR_S: Final = 3600.0

# one row, from the statistics that PostgreSQL keeps in memory
CONNECTIONS_SQL = """
SELECT 100.0 * count(*) / current_setting('max_connections')::int
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""


@lru_cache(maxsize=1)
def _snapshot(now: datetime) -> Snapshot | None:
    """The snapshot as of one assessment: a dozen rules read it."""
    return snapshot.latest()


def _figure(name: str, now: datetime) -> Figure | None:
    taken = _snapshot(now)
    return taken.series.get(name) if taken else None


def _as_of(now: datetime) -> datetime:
    taken = _snapshot(now)
    return datetime.fromtimestamp(taken.at, UTC) if taken else now


def figures_age(now: datetime) -> Measured:
    taken = _snapshot(now)
    if taken is None:
        return Measured(None, now, AGGREGATE)
    return Measured(taken.age_s(now.timestamp()), now)


def reporting(now: datetime) -> Measured:
    taken = _snapshot(now)
    if taken is None or not taken.expected:
        return Measured(None, now, AGGREGATE)
    return Measured(100 * taken.processes / taken.expected, _as_of(now))


def database_latency(now: datetime) -> Measured:
    began = perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Measured((perf_counter() - began) * 1000, now)


def connections(now: datetime) -> Measured:
    with connection.cursor() as cursor:
        cursor.execute(CONNECTIONS_SQL)
        return Measured(float(cursor.fetchone()[0]), now)


def unapplied(now: datetime) -> Measured:
    return Measured(migrations().value, now)


def cache_latency(now: datetime) -> Measured:
    began = perf_counter()
    if cache_server().status is not Status.PASS:
        return Measured(HOUR_S * 1000, now)
    return Measured((perf_counter() - began) * 1000, now)


def _last_hour(now: datetime) -> Span:
    """An hour of whole minutes: the rows of minutes are a sixtieth of those of seconds."""
    span = read.span("1h", now=now)
    end = span.end.replace(second=0, microsecond=0)
    return Span(end - HOUR, end, 60)


@lru_cache(maxsize=1)
def _counted(now: datetime) -> dict[str, float]:
    """How often each counter of requests and caches counted in the last hour: one read for all rules."""
    names = [*REQUESTS, *(name for name in read.names("cache.") if name.endswith((".hits", ".misses")))]
    return {name: sum(steps) for name, steps in read.counts(names, _last_hour(now)).items()}


def hit_rate(now: datetime) -> Measured:
    """Of all caches together, over the last hour."""
    totals = {name: count for name, count in _counted(now).items() if name not in REQUESTS}
    hits = sum(count for name, count in totals.items() if name.endswith(".hits"))
    asked = sum(totals.values())
    if not asked:
        return Measured(None, now, "Nobody asked a cache in the last hour: it shows once there is traffic.")
    return Measured(100 * hits / asked, now)


def context_p95(now: datetime) -> Measured:
    p95 = read.quantile([CONTEXT], _last_hour(now), 0.95)
    if p95 is None:
        return Measured(None, now, "Nobody asked for a context in the last hour: run the performance drill.")
    return Measured(p95 * 1000, now)


def error_share(now: datetime) -> Measured:
    asked, failed = (_counted(now)[name] for name in REQUESTS)
    if not asked:
        return Measured(None, now, "No request came in the last hour: it shows once there is traffic.")
    return Measured(100 * failed / asked, now)


def oldest_job(now: datetime) -> Measured:
    figure = _figure("queue.oldest_s", now)
    if figure is None or figure.value is None:
        return Measured(None, now, AGGREGATE)
    return Measured(figure.value, _as_of(now))


def open_share(now: datetime) -> Measured:
    views = breakers.overview(now)
    if not views:
        return Measured(0.0, now)  # no dependency outside: none can be away
    return Measured(100 * sum(view.state in {State.OPEN, State.FORCED_OPEN} for view in views) / len(views), now)


def alerts_age(now: datetime) -> Measured:
    row = Evaluation.objects.first()
    if row is None:
        return Measured(None, now, "Alert rules were never evaluated. " + AGGREGATE)
    return Measured(max(0.0, now.timestamp() - row.tick), now)


def fallback_drill(now: datetime) -> Measured:
    """0 when the last fallback drill failed, else 100, fading with its age by `fresh_s`."""
    row = DrillResult.objects.finished().filter(name=FALLBACK).order_by("-started_at").first()
    if row is None:
        return Measured(None, now, "The fallback drill was never run: run it below.")
    return Measured(100.0 if row.passed else 0.0, row.started_at, "The last one is older than 30 days: run it again.")


def drills_passed(now: datetime) -> Measured:
    """Of all drills, those whose last run of the last 30 days passed."""
    known = results.latest(now=now, within=DRILLS_COUNT)
    if not known:
        return Measured(None, now, "No drill was run in the last 30 days: run them below.")
    return Measured(100 * sum(row.passed for row in known.values()) / max(1, results.count()), now)


def backup_age(now: datetime) -> Measured:
    """Hours since the stamp was touched."""
    stamp = settings.HOLDFAST_BACKUP_STAMP
    if not stamp:
        words = "Have your backup touch a file when it is done, and name that file in HOLDFAST_BACKUP_STAMP."
        return Measured(None, now, words)
    try:
        touched = Path(stamp).stat().st_mtime
    except OSError as problem:
        return Measured(None, now, f"The file in HOLDFAST_BACKUP_STAMP can't be read ({problem.strerror}).")
    return Measured(max(0.0, now.timestamp() - touched) / HOUR_S, now)
