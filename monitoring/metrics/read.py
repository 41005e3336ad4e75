"""Reads figures of a span of time from the tiers: hours, then minutes, then the seconds that are not rolled up yet.

A page that shows several looks up once what is `known`, and reads the `figures` of a span at once, as the sketches of
its latency series, a `table`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from monitoring.metrics.figures import Figures as Figures
from monitoring.metrics.figures import Known as Known
from monitoring.metrics.figures import figures as figures
from monitoring.metrics.figures import known as known
from monitoring.metrics.operations.table import Table as Table
from monitoring.metrics.operations.table import table as table
from monitoring.metrics.percentiles import quantile as quantile
from monitoring.metrics.percentiles import quantiles as quantiles
from monitoring.metrics.ranges import RANGES as RANGES
from monitoring.metrics.ranges import Span as Span
from monitoring.metrics.ranges import span as span
from monitoring.models import Series


def counts(names: Sequence[str], span: Span) -> dict[str, list[float]]:
    """Per step the sum of a counter, or the number of observations of a latency series; 0 where there is nothing."""
    found = figures(names, span)
    return {name: found.counts(name) for name in names}


def gauges(names: Sequence[str], span: Span) -> dict[str, list[float | None]]:
    """Per step the mean of a gauge's samples; None where it was not sampled."""
    found = figures(names, span)
    return {name: found.gauges(name) for name in names}


def total(names: Sequence[str], span: Span) -> float:
    """The sum over the span and all the series."""
    return figures(names, span).total(dict.fromkeys(names))


def together(found: Table, names: Iterable[str], q: float) -> float | None:
    """One quantile in seconds over the whole time of a table and these series of it, as if they were one."""
    places = [found.places[name] for name in names]
    return replace(found, counts=found.counts[places]).together(q)


def names(prefix: str) -> list[str]:
    """The names of the series that start with `prefix`, in order."""
    return list(Series.objects.filter(name__startswith=prefix).order_by("name").values_list("name", flat=True))
