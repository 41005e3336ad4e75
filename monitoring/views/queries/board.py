"""What the Queries page shows of a range: a verdict, seven figures, a chart, and the lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monitoring import events, formats
from monitoring.console import charts
from monitoring.console.charts import Chart, Line, drawn, listed
from monitoring.console.figures import Measured
from monitoring.console.strip import NONE, Delta, Kpi, Verdict
from monitoring.formats import apart, duration, number, percent, size
from monitoring.metrics import read as metrics
from monitoring.metrics import snapshot
from monitoring.metrics.read import Span
from monitoring.queries import read, store
from monitoring.queries.capture import ERRORS, QUERIES, SLOW
from monitoring.queries.read import Repeat, Wanted
from monitoring.queries.server import relations, statements, statistics
from monitoring.queries.server.relations import Duplicate, Index, Table
from monitoring.queries.server.statements import Statement, Statements
from monitoring.queries.server.statistics import Database
from monitoring.views.queries.findings import Finding, findings

EVENT_LIMIT: Final = 12
GAUGES: Final = ("database.connections", "database.cache_hit", "database.size_bytes")
TOP: Final = 10  # statements of pg_stat_statements
LINES: Final = 25  # slow statements; those beyond are found by the filters


@dataclass(frozen=True, slots=True)
class Board:
    range: str
    period: str
    age_s: float | None
    verdict: Verdict
    kpis: list[Kpi]
    chart: Chart
    findings: list[Finding]
    lines: list[read.Line]
    routes: list[str]
    repeats: list[Repeat]
    scanned: list[Table]
    unused: list[Index]
    duplicates: list[Duplicate]
    database: Database
    pool: dict[str, int]
    statements: Statements
    slow_ms: int
    about: str

    @property
    def is_cut(self) -> bool:
        return len(self.lines) == LINES

    @property
    def top(self) -> list[Statement]:
        return self.statements.top[:TOP]


def board(range_name: str, wanted: Wanted, *, now: datetime) -> Board:
    """All of it, over the range that ends at `now`; the database's own figures as of the last fifteen seconds."""
    span = metrics.span(range_name, now=now)
    end = max(span.end, now)
    database, all_calls = statistics.database(), statements.statements()
    slow_ms = store.slow_ms()
    lines, repeated = read.slow(span.start, end, wanted, limit=LINES), read.repeats(span.start, end)
    whole = lines if wanted == Wanted(wanted.sort) else read.slow(span.start, end, Wanted(), limit=LINES)
    found = findings(whole, repeated, database, all_calls, slow_ms=slow_ms)
    latest = snapshot.latest()
    period = formats.period(range_name)
    runs, kinds = read.totals(span.start, end)
    series = measured(span)
    return Board(
        range=range_name,
        period=period,
        age_s=latest.age_s(now.timestamp()) if latest else None,
        verdict=verdict(found),
        kpis=kpis(span, series, database, runs=runs, kinds=kinds, slow_ms=slow_ms),
        chart=latency(span, series),
        findings=found,
        lines=lines,
        routes=read.routes(span.start, end),
        repeats=repeated,
        scanned=relations.scanned(),
        unused=relations.unused(),
        duplicates=relations.duplicates(),
        database=database,
        pool=statistics.pool(),
        statements=all_calls,
        slow_ms=slow_ms,
        about=f"slow from {number(slow_ms)} ms, PostgreSQL {database.version}",
    )


def verdict(found: Sequence[Finding]) -> Verdict:
    """The worst finding decides; the sentence names all that need somebody."""
    wrong = [finding for finding in found if finding.tone == "warn"]
    if not wrong:
        return Verdict("Healthy", "Queries are fast, and the database has room.")
    named = ", ".join(finding.title.lower() for finding in wrong[:3])
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return Verdict("Degraded", f"To look at: {named}{more}. Each says what to do.")


@dataclass(frozen=True, slots=True)
class Measures:
    """The database's series over the span, each read once."""

    counts: dict[str, list[float]]
    gauges: dict[str, Measured]
    quantiles: dict[float, Measured]
    p95_s: float | None


def measured(span: Span) -> Measures:
    return Measures(
        counts=metrics.counts([QUERIES, ERRORS, SLOW], span),
        gauges=metrics.gauges(GAUGES, span),
        quantiles=metrics.quantiles(QUERIES, span, (0.5, 0.95, 0.99)),
        p95_s=metrics.quantile([QUERIES], span, 0.95),
    )


def kpis(span: Span, found: Measures, database: Database, *, runs: int, kinds: int, slow_ms: int) -> list[Kpi]:
    """The seven figures, each beside its limit."""
    return [*_asked(span, found, slow_ms), _slow(found, runs, kinds), _errors(found), *_held(found, database)]


def _asked(span: Span, found: Measures, slow_ms: int) -> list[Kpi]:
    counted = found.counts[QUERIES]
    p95, unit = apart(duration(found.p95_s)) if found.p95_s is not None else (NONE, "")
    per_s = number(float(f"{sum(counted) / (span.points * span.step_s):.3g}"))
    rate: Measured = [n / span.step_s for n in counted]
    limit = Delta(f"slow from {number(slow_ms)} ms")
    return [
        Kpi("rate", "Queries", per_s, Delta(f"{formats.short(sum(counted))} in all"), "query-time", "/s", rate),
        Kpi("p95", "Query p95", p95, limit, "query-time", unit, found.quantiles[0.95]),
    ]


def _slow(found: Measures, runs: int, kinds: int) -> Kpi:
    tone = "warn" if runs else ""
    delta = Delta(f"{number(kinds)} statement{'' if kinds == 1 else 's'}", "", tone)
    return Kpi("slow", "Slow runs", number(runs), delta, "slow", "", [*found.counts[SLOW]], tone or "c-main")


def _errors(found: Measures) -> Kpi:
    asked, failed = sum(found.counts[QUERIES]), sum(found.counts[ERRORS])
    delta = Delta(f"{percent(failed / asked)} of all" if asked else "none asked")
    colour = "crit" if failed else "c-main"
    return Kpi("errors", "Errors", number(failed), delta, "query-time", "", [*found.counts[ERRORS]], colour)


def _held(found: Measures, database: Database) -> list[Kpi]:
    """What the database itself holds: connections, cache, size."""
    connections, cache, length = (found.gauges[name] for name in GAUGES)
    hit, hit_unit = apart(percent(database.cache_hit)) if database.cache_hit is not None else (NONE, "")
    held, held_unit = apart(size(database.size))
    most, commits = (
        Delta(f"of {number(database.most_connections)}"),
        Delta(f"{formats.short(database.commits)} commits"),
    )
    return [
        Kpi("connections", "Connections", number(database.connections), most, "connections", "", connections),
        Kpi("cache", "Cache hits", hit, Delta("limit 99 %"), "database", hit_unit, cache),
        Kpi("size", "Size", held, commits, "database", held_unit, length),
    ]


def latency(span: Span, found: Measures) -> Chart:
    """How long queries take, all of them."""
    p50, p95, p99 = ([None if v is None else v * 1000 for v in found.quantiles[q]] for q in (0.5, 0.95, 0.99))
    lines = [
        Line("p50", p50, " ms", "c-low", {"width": 1.5}),
        Line("p95", p95, " ms", "c-main", {"width": 2.25, "fill": "tonexty", "alpha": 0.13}),
        Line("p99", p99, " ms", "c-high", {"width": 1.5, "dash": "2px,2px"}, "dot"),
    ]
    happened = events.between(span.start, span.end, EVENT_LIMIT)
    texts = ("Query time", "all queries", f"Query time: {listed(lines)} now.", "POST /api/v1/context", "No query")
    return charts.chart("query-time", texts, span, lines, spec={"unit": " ms", "events": drawn(happened)})
