"""The figures of the queue: what waits by priority, for how long, how fast it comes and goes, and who works on it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

from memory.models import Priority
from monitoring.metrics import read
from monitoring.metrics.read import Span

RATE_S: Final = 60  # rates are means over this long
STEP_S: Final = 10

# The partial indexes of waiting and running jobs hold all that is open; nothing finished is read.
OPEN_SQL = """
SELECT priority, count(*), 0, min(available_at) FILTER (WHERE available_at <= %(now)s)
FROM memory_job WHERE state IN ('failed', 'pending') GROUP BY priority
UNION ALL
SELECT priority, 0, count(*), NULL FROM memory_job WHERE state = 'running' GROUP BY priority
"""
DEAD_SQL = "SELECT count(*) FROM memory_job WHERE state = 'dead'"
# Stops counting at the bound: nobody needs to know how far beyond it is.
COUNT_SQL = """
SELECT (SELECT count(*) FROM (SELECT FROM memory_job WHERE state IN ('failed', 'pending') LIMIT %(most)s) AS waiting)
  + (SELECT count(*) FROM (SELECT FROM memory_job WHERE state = 'running' LIMIT %(most)s) AS running)
"""
# The index of due jobs, level by level, up to a bound; jobs of users for whom somebody works are not due.
DUE_SQL = """
WITH busy AS MATERIALIZED (
  SELECT DISTINCT workspace_id, user_id FROM memory_job WHERE state = 'running' AND user_id <> ''
)
SELECT level, (SELECT count(*) FROM (
  SELECT FROM memory_job WHERE priority = level AND state IN ('failed', 'pending') AND available_at <= %(now)s
    AND (workspace_id, user_id) NOT IN (SELECT workspace_id, user_id FROM busy) LIMIT %(most)s) AS due)
FROM generate_series(0, 4) AS level
"""
WORKERS_SQL = """
SELECT claim, count(*), count(DISTINCT (workspace_id, user_id)) FILTER (WHERE user_id <> ''),
  array_agg(DISTINCT kind ORDER BY kind), min(started_at), min(lease_until)
FROM memory_job WHERE state = 'running' AND claim IS NOT NULL GROUP BY claim ORDER BY min(started_at)
"""


@dataclass(frozen=True, slots=True)
class Level:
    """One priority. Rates are jobs per second over the last minute; `drain_s` is None when it does not get less."""

    priority: int
    name: str
    depth: int  # waiting and running
    running: int
    oldest_s: float  # since when the oldest due job waits
    in_rate: float = 0.0
    out_rate: float = 0.0
    refused: int = 0  # in the last minute
    drain_s: float | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """One claim: a worker at work."""

    claim: uuid.UUID
    jobs: int
    users: int
    kinds: Sequence[str]
    since: datetime
    lease_until: datetime


def levels(now: datetime) -> list[Level]:
    """All five priorities, most urgent first, from the rows and the last minute's counters."""
    names = [f"queue.{level.name.lower()}.{way}" for level in Priority for way in ("in", "out", "refused")]
    passed = {name: sum(steps) for name, steps in read.counts(names, _minute(now)).items()}
    return [_with_rates(level, passed) for level in depths(now)]


def depths(now: datetime) -> list[Level]:
    """All five priorities without their rates."""
    found = {priority: [0, 0, 0.0] for priority in Priority}
    with connection.cursor() as cursor:
        cursor.execute(OPEN_SQL, {"now": now})
        for priority, waiting, running, since in cursor.fetchall():
            of = found[Priority(priority)]
            of[0] += waiting + running
            of[1] += running
            of[2] = max(of[2], (now - since).total_seconds() if since else 0.0)
    return [
        Level(int(priority), priority.name.lower(), int(depth), int(running), oldest_s)
        for priority, (depth, running, oldest_s) in found.items()
    ]


def workers() -> list[Holder]:
    """Who holds jobs now, the longest first."""
    with connection.cursor() as cursor:
        cursor.execute(WORKERS_SQL)
        return [Holder(*row) for row in cursor.fetchall()]


def due(now: datetime, *, at_most: int) -> dict[int, int]:
    """Per priority how many jobs could be claimed now, counted up to `at_most`; levels with none are left out."""
    with connection.cursor() as cursor:
        cursor.execute(DUE_SQL, {"now": now, "most": at_most})
        return {level: count for level, count in cursor.fetchall() if count}


def open_jobs(*, at_most: int = 1_000_000) -> int:
    """Jobs that are not done, counted up to about `at_most`."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_SQL, {"most": at_most})
        return int(cursor.fetchone()[0])


def done_per_s(*, now: datetime) -> float:
    """Jobs finished per second over the last minute, of all priorities."""
    return read.total([f"queue.{level.name.lower()}.out" for level in Priority], _minute(now)) / RATE_S


def gauges() -> Mapping[str, float]:
    """For the metrics: per priority the open and running jobs and the age of the oldest due one; the dead letters."""
    now = timezone.now()
    figures: dict[str, float] = {}
    oldest_s = 0.0
    for level in depths(now):
        name = f"queue.{level.name}"
        figures |= {name: level.depth, f"{name}.running": level.running, f"{name}.oldest_s": level.oldest_s}
        oldest_s = max(oldest_s, level.oldest_s)
    with connection.cursor() as cursor:
        cursor.execute(DEAD_SQL)
        dead = float(cursor.fetchone()[0])
    return figures | {"queue.oldest_s": oldest_s, "queue.dead": dead}


def _with_rates(level: Level, passed: Mapping[str, float]) -> Level:
    came, went, refused = (passed[f"queue.{level.name}.{way}"] for way in ("in", "out", "refused"))
    return replace(
        level,
        in_rate=came / RATE_S,
        out_rate=went / RATE_S,
        refused=int(refused),
        drain_s=level.depth * RATE_S / (went - came) if went > came else None,
    )


def _minute(now: datetime) -> Span:
    """The last minute, without the second that is going on."""
    end = datetime.fromtimestamp(int(now.timestamp()), UTC)
    return Span(end - timedelta(seconds=RATE_S), end, STEP_S)
