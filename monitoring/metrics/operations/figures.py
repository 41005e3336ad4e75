"""Every operation that is timed, with its rate, errors and percentiles: requests, jobs, providers, the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from monitoring.metrics.operations.counted import counted
from monitoring.metrics.operations.pieces import Tiers, tiers
from monitoring.metrics.operations.table import table
from monitoring.metrics.ranges import Span
from monitoring.models import Series

# kind: how its latency series begin
KINDS: Final = {"web": "operation.", "jobs": "job.", "providers": "provider.", "database": "database."}
SPARK_STEPS: Final = (10, 30, 60, 120, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 2 * 86_400, 12 * 86_400)
SPARK_POINTS: Final = 36


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation in a span; durations in seconds. `before_s` is its p95 in the span that it is compared with."""

    name: str
    kind: str
    count: float
    errors: float
    rate: float
    p50_s: float
    p95_s: float
    p99_s: float
    line: Sequence[float | None] = field(default_factory=list)  # p95, in at most SPARK_POINTS steps or so
    before_s: float | None = None

    @property
    def title(self) -> str:
        return self.name.removeprefix(KINDS[self.kind])

    @property
    def error_share(self) -> float:
        return min(1.0, self.errors / self.count)

    @property
    def change(self) -> float | None:
        """Of p95, as a share of what it was; None where there was none before."""
        return None if not self.before_s else self.p95_s / self.before_s - 1


def names(kind: str = "") -> dict[str, str]:
    """The names of all operations, or those of a kind, with their kinds."""
    return {name: _kind(name) for name in _slots(kind)}


def operations(
    span: Span, *, kind: str = "", against: Span | None = None, lasted_s: float = 0.0, reach: Tiers | None = None
) -> list[Operation]:
    """Those that were called in the span, with p95 of `against`; `lasted_s` is how much of the span has passed."""
    slots = _slots(kind)
    if not slots:
        return []
    reach = reach or tiers()
    # the steps of the small lines add up to the whole: one read serves both
    whole = table(list(slots), span, step_s=_spark_step(span), reach=reach, slots=slots)
    called = {name: whole.total(name) for name in slots if whole.total(name)}
    lines = whole.lines(0.95)
    before = table(list(called), against, reach=reach, slots=slots).whole(0.95) if against else {}
    errors = _errors(called, span, reach)
    p50, p95, p99 = (whole.whole(q) for q in (0.5, 0.95, 0.99))
    seconds = lasted_s or (span.end - span.start) / timedelta(seconds=1)
    return [
        Operation(
            name=name,
            kind=_kind(name),
            count=count,
            errors=errors[name],
            rate=count / seconds,
            p50_s=p50[name] or 0.0,
            p95_s=p95[name] or 0.0,
            p99_s=p99[name] or 0.0,
            line=lines[name],
            before_s=before.get(name),
        )
        for name, count in called.items()
    ]


def error_series(name: str) -> list[str]:
    """The counters of what failed of an operation: whoever counts has one of them."""
    return ["database.errors"] if name.startswith(KINDS["database"]) else [f"{name}.errors", f"{name}.failed"]


def _slots(kind: str) -> dict[str, int]:
    """The slots of the operations of a kind, of all where it is empty, by name and in its order."""
    found = Series.objects.filter(kind=Series.Kind.LATENCY).order_by("name").values_list("name", "slot")
    return {name: slot for name, slot in found if (of := _kind(name)) and kind in {"", of}}


def _errors(called: Iterable[str], span: Span, reach: Tiers) -> dict[str, float]:
    series = {name: error_series(name) for name in called}
    sums = counted([each for listed in series.values() for each in listed], span, reach=reach)
    return {name: sum(sums[each] for each in listed) for name, listed in series.items()}


def _kind(name: str) -> str:
    return next((kind for kind, start in KINDS.items() if name.startswith(start)), "")


def _spark_step(span: Span) -> int:
    length = (span.end - span.start) / timedelta(seconds=1)
    return next((step for step in SPARK_STEPS if length / step <= SPARK_POINTS), SPARK_STEPS[-1])
