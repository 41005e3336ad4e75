"""Percentiles of latency series over a span of time, from their merged sketches."""

from __future__ import annotations

from collections.abc import Sequence

from monitoring.metrics.figures import Known
from monitoring.metrics.operations.table import Table, table
from monitoring.metrics.ranges import Span

QUANTILES = (0.5, 0.95, 0.99)


def quantiles(
    name: str, span: Span, qs: Sequence[float] = QUANTILES, *, known: Known | None = None
) -> dict[float, list[float | None]]:
    """Per step the quantiles of a latency series in seconds; None without observations."""
    merged = sketches([name], span, known=known)
    return {q: merged.line(name, q) for q in qs}


def quantile(names: Sequence[str], span: Span, q: float, *, known: Known | None = None) -> float | None:
    """One quantile in seconds over the whole span and all the series together."""
    reach, slots = (None, None) if known is None else (known.reach, known.slots)
    return table(names, span, reach=reach, slots=slots).together(q)


def sketches(names: Sequence[str], span: Span, *, known: Known | None = None) -> Table:
    """Of many series, step by step, in one read: for pages that show several of them, or their whole as well."""
    reach, slots = (None, None) if known is None else (known.reach, known.slots)
    return table(names, span, step_s=span.step_s, reach=reach, slots=slots)
