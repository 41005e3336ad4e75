"""One statement in detail: its text, where and how it ran, its plan, and what would make it faster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

import sqlglot
from sqlglot.errors import SqlglotError

from monitoring.console import charts
from monitoring.console.charts import Chart, Line, listed
from monitoring.metrics import read as metrics
from monitoring.metrics.read import Span
from monitoring.models import SlowQuery
from monitoring.queries import read
from monitoring.queries.advice.advise import Advice, advise
from monitoring.queries.advice.tree import Step
from monitoring.queries.fingerprint import numbered
from monitoring.queries.server import statements
from monitoring.queries.server.statements import Statement

SHOWN_STEPS: Final = 30


@dataclass(frozen=True, slots=True)
class Detail:
    """`all_calls` is what pg_stat_statements says of it, fast calls too; None where it is not there."""

    query: SlowQuery
    text: str
    routes: list[tuple[str, int, float, float]]
    repeats: list[read.Repeat]
    chart: Chart
    advice: Advice
    all_calls: Statement | None

    @property
    def steps(self) -> list[Step]:
        return self.advice.tree.steps[:SHOWN_STEPS] if self.advice.tree else []

    @property
    def hidden_steps(self) -> int:
        return max(0, len(self.advice.tree.steps) - SHOWN_STEPS) if self.advice.tree else 0


def detail(fingerprint: str, range_name: str, *, now: datetime) -> Detail | None:
    """None where no such statement is known, or not any more."""
    query = read.one(fingerprint)
    if query is None:
        return None
    span = metrics.span(range_name, now=now)
    end = max(span.end, now)
    repeated = read.repeats(span.start, end, fingerprint=fingerprint)
    return Detail(
        query=query,
        text=formatted(query.template),
        routes=read.of_routes(fingerprint, span.start, end),
        repeats=repeated,
        chart=trend(fingerprint, span),
        advice=advise(query, repeated, now=now),
        all_calls=statements.statements().of(fingerprint),
    )


def trend(fingerprint: str, span: Span) -> Chart:
    """Its slow runs and how long they took."""
    wide, counts, means = read.trend(fingerprint, span)
    lines = [
        Line("Slow runs", [*counts] if any(counts) else [None] * len(counts), "", "c-main"),
        Line("Mean", [None if mean is None else mean * 1000 for mean in means], " ms", "c-2"),
    ]
    texts = ("Trend", "of its slow runs", f"Slow runs: {listed(lines)}.", "a query", "No slow run of it")
    return charts.chart("trend", texts, wide, lines, spec={})


@lru_cache(256)
def formatted(template: str) -> str:
    """The statement over several lines, as far as it can be read; `$1` is where a value was."""
    text = numbered(template)
    try:
        return sqlglot.parse_one(text, read="postgres").sql("postgres", pretty=True)
    except (SqlglotError, RecursionError):
        return text
