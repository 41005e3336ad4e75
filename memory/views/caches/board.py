"""What the Caches page shows: a verdict, seven figures, a line for each cache, and what is used most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from memory import caching
from memory.caching.stats import Figures
from memory.views.caches.reading import Reading, gather
from monitoring import events
from monitoring.console import charts
from monitoring.console.charts import CACHE_STYLES, Chart, Line, drawn, listed
from monitoring.console.figures import Measured, shares
from monitoring.console.strip import NONE, Delta, Kpi, Verdict
from monitoring.formats import apart, duration, number, percent, period, size
from monitoring.metrics import read, snapshot
from monitoring.models import Event

EVENT_LIMIT: Final = 12
SPACES: Final = 6
SLOW_MS: Final = 1.0  # a hit from Redis is promised to take less


@dataclass(frozen=True, slots=True)
class Space:
    """A namespace, or a key in one, by how often it was used."""

    cache: str
    name: str
    uses: int


@dataclass(frozen=True, slots=True)
class Board:
    range: str
    period: str
    age_s: float | None
    verdict: Verdict
    kpis: list[Kpi]
    lines: list[Figures]
    warmable: list[str]
    charts: dict[str, Chart]
    spaces: list[Space]
    about: str


def board(range_name: str, *, now: datetime) -> Board:
    """All caches over a range, and what lies in Redis now."""
    span = read.span(range_name, now=now)
    reading = gather(span)
    found = reading.caches
    happened = events.between(span.start, span.end, EVENT_LIMIT)
    latest = snapshot.latest()
    length = period(range_name)
    drawn_charts = (hit_rates(reading, happened), lookups(reading, happened))
    return Board(
        range=range_name,
        period=length,
        age_s=latest.age_s(now.timestamp()) if latest else None,
        verdict=verdict(found),
        kpis=kpis(found, period=length),
        lines=found,
        warmable=caching.warmable(),
        charts={chart.key: chart for chart in drawn_charts},
        spaces=spaces(found),
        about=about(found),
    )


def verdict(found: Sequence[Figures]) -> Verdict:
    """Whether the caches answer; without Redis every look-up is a miss, and all else goes on."""
    if any(one.contents is None for one in found):
        return Verdict("Degraded", "Redis does not answer: every look-up is a miss, and answers are worked out anew.")
    slow = [one for one in found if (one.traffic.p95_ms or 0) > SLOW_MS]
    if slow:
        worst = max(slow, key=lambda one: one.traffic.p95_ms or 0)
        took = duration((worst.traffic.p95_ms or 0) / 1000)
        return Verdict("Degraded", f"A look-up in the {worst.title} cache takes {took} at p95, over {SLOW_MS:g} ms.")
    asked = sum(one.traffic.hits + one.traffic.misses for one in found)
    return Verdict("Healthy", "Look-ups are answered in time." if asked else "No look-up in this range.")


def kpis(found: Sequence[Figures], *, period: str) -> list[Kpi]:
    """Of all caches together."""
    hits, misses = sum(one.traffic.hits for one in found), sum(one.traffic.misses for one in found)
    errors, evicted = sum(one.traffic.errors for one in found), sum(one.traffic.evictions for one in found)
    held = [one.contents for one in found if one.contents is not None]
    raw, kept = sum(one.traffic.bytes_raw for one in found), sum(one.traffic.bytes_stored for one in found)
    slowest = max((one.traffic.p95_ms for one in found if one.traffic.p95_ms), default=None)
    rate, rate_unit = apart(percent(hits / (hits + misses))) if hits + misses else (NONE, "")
    p95, p95_unit = apart(duration(slowest / 1000)) if slowest else (NONE, "")
    took, unit = apart(size(sum(one.bytes for one in held)))
    ratio = Delta(f"{number(round(kept / raw, 2))} of their size" if raw else "nothing kept yet")
    return [
        Kpi("hits", "Hit rate", rate, Delta(f"{number(hits)} hits"), "hit-rates", rate_unit),
        Kpi("lookups", "Look-ups", number(hits + misses), Delta(f"in this {period}"), "lookups"),
        Kpi("get", "Slowest p95", p95, Delta("limit 1 ms"), "lines", p95_unit),
        Kpi("entries", "Entries", number(sum(one.entries for one in held)),
            Delta(f"{number(sum(one.namespaces for one in held))} namespaces"), "lines"),
        Kpi("bytes", "In Redis", took, ratio, "lines", unit),
        Kpi("evicted", "Evicted", number(evicted), Delta("over their bound"), "lines"),
        Kpi("errors", "Errors", number(errors), Delta("counted as misses", "", "warn" if errors else ""), "lines"),
    ]  # fmt: skip


def spaces(found: Sequence[Figures]) -> list[Space]:
    """The namespaces of all caches that are used most."""
    named = [
        Space(one.title, name, uses) for one in found if one.contents for name, uses in one.contents.top_namespaces
    ]
    return sorted(named, key=lambda space: -space.uses)[:SPACES]


def hit_rates(reading: Reading, events: Sequence[Event]) -> Chart:
    hits, misses = reading.hits, reading.misses
    asked = [name for name in hits if any(hits[name]) or any(misses[name])]
    rates = {name: charts.percents(_share(hits[name], misses[name])) for name in asked}
    lines = [
        Line(name, rates[name], " %", tone, {"dash": dash}, "" if dash == "solid" else "dash")
        for name, (tone, dash) in zip(asked, CACHE_STYLES, strict=False)
    ]
    texts = ("Hit rate", "", f"Hit rate: {listed(lines)}.", "POST /api/v1/context", "No look-up")
    spec = {"unit": " %", "range": [0, 101], "events": drawn(events)}
    return charts.chart("hit-rates", texts, reading.span, lines, spec=spec)


def lookups(reading: Reading, events: Sequence[Event]) -> Chart:
    """Look-ups a second of all caches, and those that were misses."""
    span = reading.span
    hits, misses = (
        [sum(values) / span.step_s for values in zip(*part.values(), strict=True)]
        for part in (reading.hits, reading.misses)
    )
    both: Measured = [hit + miss for hit, miss in zip(hits, misses, strict=True)]
    if not any(both):
        both, misses = [None] * len(both), [None] * len(both)
    lines = [
        Line("look-ups", both, "/s", "c-main", {"fill": "tozeroy", "alpha": 0.1}),
        Line("misses", [*misses], "/s", "c-2", {"dash": "2px,2px"}, "dot"),
    ]
    texts = ("Look-ups", "", f"Look-ups: {listed(lines)}.", "POST /api/v1/context", "No look-up")
    return charts.chart("lookups", texts, span, lines, spec={"unit": "/s", "events": drawn(events)})


def about(found: Sequence[Figures]) -> str:
    return f"{len(found)} caches over one mechanism; Redis away is a miss, never an error"


def _share(hits: list[float], misses: list[float]) -> Measured:
    return shares(hits, [hit + miss for hit, miss in zip(hits, misses, strict=True)])
