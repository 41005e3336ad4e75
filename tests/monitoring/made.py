"""Builders of the overview's figures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from monitoring.console.figures import MEMORIES, MESSAGES, OLDEST, QUANTILES, QUEUES, REQUESTS, Figures
from monitoring.metrics import read
from monitoring.models import Event

NOW = datetime(2026, 11, 21, 14, 32, 5, tzinfo=UTC)


def make_figures(
    *,
    range_name: str = "1h",
    counts: Mapping[str, float | list[float]] = {},
    gauges: Mapping[str, float | list[float | None] | None] = {},
    latency: Mapping[float, float | None] = {},
    **fields: Any,
) -> Figures:
    """An hour in which each series keeps one value, unless it is given as a list."""
    span = read.span(range_name, now=NOW)
    names = [REQUESTS, "requests.errors", MESSAGES, *counts]
    return Figures(
        span=span,
        counts={name: _line(counts.get(name, 0.0), span.points) for name in names},
        gauges={name: _line(gauges.get(name), span.points) for name in (*QUEUES, OLDEST, MEMORIES)},
        latency={q: [latency.get(q)] * span.points for q in QUANTILES},
        **{"p95_s": latency.get(0.95), "last_s": float(span.step_s)} | fields,
    )


def make_event(**fields: Any) -> Event:
    return Event(**{"kind": "flag", "text": "enhanced_prompts 25 %", "at": NOW} | fields)


def _line(value: Any, points: int) -> list[Any]:
    return value if isinstance(value, list) else [value] * points
