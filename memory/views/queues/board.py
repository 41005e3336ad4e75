"""What the Queues page shows of all jobs together: a verdict, seven figures, the priorities, the charts, who works."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core.cache import cache

from memory.jobs import gate
from memory.jobs.figures import Holder, Level, levels, workers
from memory.models import Job, JobState, Priority
from memory.views.queues import charts, kpis
from memory.views.queues.listing import title
from memory.views.queues.series import Series, gather
from monitoring import events
from monitoring.console import freshness
from monitoring.console.charts import Chart
from monitoring.console.figures import OLDEST_LIMIT_S, Measured
from monitoring.console.freshness import REFRESH_S
from monitoring.console.strip import Kpi, Verdict
from monitoring.formats import duration, number, period
from monitoring.metrics import read, snapshot

DEAD_MOST: Final = 10_000
EVENT_LIMIT: Final = 12
CHANGED: Final = "queues:changed"


@dataclass(frozen=True, slots=True)
class Line:
    """One priority in the table. `refused_from` is the number of open jobs from which it is refused."""

    level: Level
    word: str
    share: float  # of the deepest priority, 0 to 1
    drain: str
    refused: float  # in the range
    refused_from: int | None
    series: Measured


@dataclass(frozen=True, slots=True)
class InFlight:
    """A claim that a worker holds."""

    holder: Holder
    short: str
    doing: str
    since_s: float
    left_s: float


@dataclass(frozen=True, slots=True)
class Board:
    """What everybody sees who looks at a range now."""

    range: str
    period: str
    at: datetime
    since: datetime
    age_s: float | None
    verdict: Verdict
    kpis: list[Kpi]
    lines: list[Line]
    in_flight: list[InFlight]
    charts: dict[str, Chart]
    dead: int
    about: str

    def age_at(self, now: datetime) -> float | None:
        return None if self.age_s is None else self.age_s + (now - self.at).total_seconds()


def board(range_name: str, *, now: datetime) -> Board:
    """The board of a range, worked out once for all who look at it within the same seconds."""
    key = f"queues:{stamp(range_name, now=now)}"
    found: Board | None = cache.get(key)
    if found is None:
        found = compose(range_name, now=now)
        cache.set(key, found, timeout=2 * REFRESH_S)
    return found


def stamp(range_name: str, *, now: datetime) -> str:
    """Changes when the board does: with a new snapshot, and when somebody changed a job by hand."""
    return f"{freshness.stamp(range_name, now=now)}-{cache.get(CHANGED, '')}"


def changed() -> None:
    """Have the next look see what was just done by hand."""
    cache.set(CHANGED, uuid.uuid4().hex[:8], timeout=2 * REFRESH_S)


def compose(range_name: str, *, now: datetime) -> Board:
    span = read.span(range_name, now=now)
    series, found = gather(span), levels(now)
    happened = events.between(span.start, now, EVENT_LIMIT)
    latest = snapshot.latest()
    dead = Job.objects.filter(state=JobState.DEAD)[:DEAD_MOST].count()
    held = workers()
    drawn = (charts.throughput, charts.waits, charts.depth)
    return Board(
        range=range_name,
        period=period(range_name),
        at=now,
        since=span.start,
        age_s=latest.age_s(now.timestamp()) if latest else None,
        verdict=verdict(found, dead=dead, limit=settings.HOLDFAST_QUEUE_LIMIT),
        kpis=kpis.all_of(found, series, dead=dead, period=period(range_name)),
        lines=lines(found, series, limit=settings.HOLDFAST_QUEUE_LIMIT),
        in_flight=[_in_flight(holder, now) for holder in held],
        charts={chart.key: chart for chart in (draw(series, happened) for draw in drawn)},
        dead=dead,
        about=_about(found, dead),
    )


def verdict(levels: Sequence[Level], *, dead: int, limit: int) -> Verdict:
    """Whether jobs are done as they come; what is wrong first, worst first, and what still works."""
    open_jobs = sum(level.depth for level in levels)
    late = next((level for level in levels if level.oldest_s > OLDEST_LIMIT_S), None)
    is_moving = any(level.out_rate or level.running for level in levels)
    if late and not is_moving:
        return Verdict(
            "Stalled",
            f"{_jobs(open_jobs, 'waits', 'wait')} and no worker takes one: look at the workers. Nothing is lost.",
        )
    if refused := refuses(open_jobs, limit):
        return Verdict(
            "Refusing", f"{_jobs(open_jobs)} are open: new {_and(refused)} jobs get 503. Critical ones are taken."
        )
    if late:
        drains = f"{late.name} is done in {duration(late.drain_s)}" if late.drain_s else "it does not get less"
        return Verdict("Behind", f"The oldest {late.name} job waits for {duration(late.oldest_s)}; {drains}.")
    rest = f"{_jobs(dead, 'died and waits', 'died and wait')} for a decision." if dead else "No job is dead."
    doing = f"{_jobs(open_jobs, 'is', 'are')} open and taken as they come" if open_jobs else "Nothing waits"
    return Verdict("Keeping up", f"{doing}. {rest}")


def refuses(open_jobs: int, limit: int) -> list[str]:
    """The priorities whose new jobs are refused at that many open ones, the least urgent first."""
    return [priority.name.lower() for priority, share in gate.SHARES.items() if open_jobs >= limit * share]


def lines(levels: Sequence[Level], series: Series, *, limit: int) -> list[Line]:
    deepest = max((level.depth for level in levels), default=0) or 1
    refused_now = refuses(sum(level.depth for level in levels), limit)
    return [
        Line(
            level=level,
            word=_word(level, is_refused=level.name in refused_now),
            share=level.depth / deepest,
            drain=drain(level),
            refused=series.total(level.name, "refused"),
            refused_from=_refused_from(level, limit),
            series=series.depth[level.name],
        )
        for level in levels
    ]


def drain(level: Level) -> str:
    """When the level is empty at the pace of the last minute, in words."""
    if not level.depth:
        return "empty"
    if level.drain_s is not None:
        return f"in {duration(level.drain_s)}"
    grows = level.in_rate - level.out_rate
    if grows > 0:
        return f"grows by {number(float(f'{grows:.2g}'))}/s"
    return "steady" if level.out_rate or level.running else "does not move"


def _word(level: Level, *, is_refused: bool) -> str:
    if is_refused:
        return "Refusing"
    if level.oldest_s > OLDEST_LIMIT_S:
        return "Behind"
    return "Keeping up" if level.depth or level.out_rate else "Idle"


def _refused_from(level: Level, limit: int) -> int | None:
    share = gate.SHARES.get(Priority(level.priority))
    return int(limit * share) if share else None


def _in_flight(holder: Holder, now: datetime) -> InFlight:
    doing = ", ".join(title(kind) for kind in holder.kinds)
    lease = (holder.lease_until - now) / timedelta(seconds=1)
    return InFlight(holder, holder.claim.hex[:8], doing, max(0.0, (now - holder.since).total_seconds()), lease)


def _about(levels: Sequence[Level], dead: int) -> str:
    open_jobs, running = sum(level.depth for level in levels), sum(level.running for level in levels)
    return f"{_jobs(open_jobs)} open, {number(running)} running, {number(dead)} dead"


def _jobs(count: int, does: str = "", do: str = "") -> str:
    """So many jobs, and the verb for one or many of them."""
    return f"{number(count)} {f'job {does}' if count == 1 else f'jobs {do}'}".rstrip()


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
