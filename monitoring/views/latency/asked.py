"""What the URL of the Latency page asks for; what it does not know counts as not asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.http import QueryDict

from monitoring.metrics.operations import KINDS, Operation
from monitoring.metrics.ranges import Span

ALL: Final = ""
BEFORE, OFF = "before", "off"
COMPARED: Final = {BEFORE: "the period before", "1d": "a day earlier", "7d": "a week earlier", OFF: "nothing"}
EARLIER: Final = {"1d": timedelta(days=1), "7d": timedelta(days=7)}

Key = Callable[[Operation], float | str]
# column: what it is sorted by, and whether the first click shows the largest first
SORTS: Final[dict[str, tuple[Key, bool]]] = {
    "name": (lambda one: one.name, False),
    "rate": (lambda one: one.rate, True),
    "errors": (lambda one: one.error_share, True),
    "p50": (lambda one: one.p50_s, True),
    "p95": (lambda one: one.p95_s, True),
    "p99": (lambda one: one.p99_s, True),
    "change": (lambda one: -1.0 if one.change is None else one.change, True),
}
DEFAULT_SORT: Final = "-p95"


@dataclass(frozen=True, slots=True)
class Asked:
    kind: str = ALL
    sort: str = DEFAULT_SORT
    operation: str = ""
    compare: str = BEFORE

    @classmethod
    def of(cls, given: QueryDict) -> Asked:
        kind, sort = given.get("kind", ALL), given.get("sort", DEFAULT_SORT)
        compare = given.get("compare", BEFORE)
        return cls(
            kind=kind if kind in KINDS else ALL,
            sort=sort if sort.removeprefix("-") in SORTS else DEFAULT_SORT,
            operation=given.get("operation", "")[:100],
            compare=compare if compare in COMPARED else BEFORE,
        )

    @property
    def column(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def is_descending(self) -> bool:
        return self.sort.startswith("-")

    def sorted(self, found: Iterable[Operation]) -> list[Operation]:
        key, _ = SORTS[self.column]
        by_name = sorted(found, key=lambda one: one.name)
        return sorted(by_name, key=key, reverse=self.is_descending)

    def next_sort(self, column: str) -> str:
        """What a click on a column's head asks for."""
        if column == self.column:
            return column if self.is_descending else f"-{column}"
        return f"-{column}" if SORTS[column][1] else column

    def against(self, span: Span) -> Span | None:
        """What the span is compared with."""
        if self.compare == OFF:
            return None
        if self.compare == BEFORE:
            return span.before()
        by = EARLIER[self.compare]
        return Span(span.start - by, span.end - by, span.step_s)
