"""Lists for pages and the API: slow statements, statements that one request repeats, and how one of them went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, FloatField, Max, Q, QuerySet, Sum
from django.db.models.functions import Cast

from monitoring.metrics.read import Span
from monitoring.models import QueryUse, SlowQuery

WIDTH_S: Final = QueryUse.WIDTH_S
SORTS: Final = ("total", "mean", "longest", "count", "rows", "last")
PAGE: Final = 50
PAGE_MOST: Final = 200
ROUTES: Final = 50
REPEATED: Final = 20
TEXT_LENGTH: Final = 100
FEW_MS: Final = 10  # repeated runs under this altogether are nobody's pain


@dataclass(frozen=True, slots=True)
class Line:
    """A slow statement over a span: of its slow runs, in seconds."""

    fingerprint: str
    template: str
    routes: tuple[str, ...]
    count: int
    total: float
    mean: float
    longest: float
    rows: int
    last: datetime


@dataclass(frozen=True, slots=True)
class Repeat:
    """A statement that requests of one route ran ten times or more each."""

    fingerprint: str
    template: str
    route: str
    requests: int
    runs: int
    most: int
    seconds: float

    @property
    def per_request(self) -> float:
        return self.runs / self.requests


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to and ordered by."""

    sort: str = "total"
    route: str | None = None
    text: str = ""

    def __post_init__(self) -> None:
        if self.sort not in SORTS:
            raise ValueError(f"sort must be one of {', '.join(SORTS)}, got {self.sort!r}")


def slow(start: datetime, end: datetime, wanted: Wanted, *, limit: int = PAGE, offset: int = 0) -> list[Line]:
    """Statements with slow runs in [start, end), those of most `wanted.sort` first; `limit` of them after `offset`."""
    uses = _between(start, end).filter(slow__gt=0)
    if wanted.route is not None:
        uses = uses.filter(route=wanted.route)
    if wanted.text:
        text = wanted.text[:TEXT_LENGTH]
        uses = uses.filter(Q(query__template__icontains=text) | Q(query_id=text))
    rows = (
        uses.values("query_id", "query__template", "query__last_seen")
        .annotate(
            runs=Sum("slow"),
            total=Sum("seconds"),
            most=Max("longest"),
            returned=Sum("rows"),
            places=ArrayAgg("route", distinct=True),
        )
        .annotate(mean=F("total") / Cast("runs", FloatField()))
    )
    by = {"longest": "most", "count": "runs", "rows": "returned", "last": "query__last_seen"}.get(
        wanted.sort, wanted.sort
    )
    return [_line(row) for row in rows.order_by(f"-{by}", "query_id")[offset : offset + limit]]


def repeats(start: datetime, end: datetime, *, fingerprint: str = "") -> list[Repeat]:
    """Statements that one request repeats, those that take longest altogether first."""
    uses = _between(start, end).filter(repeats__gt=0)
    if fingerprint:
        uses = uses.filter(query_id=fingerprint)
    rows = uses.values("query_id", "query__template", "route").annotate(
        requests=Sum("repeats"), runs=Sum("repeated"), took=Sum("repeated_s"), peak=Max("most")
    )
    return [
        Repeat(
            fingerprint=row["query_id"],
            template=row["query__template"],
            route=row["route"],
            requests=row["requests"],
            runs=row["runs"],
            most=row["peak"],
            seconds=row["took"],
        )
        for row in rows.order_by("-took", "query_id", "route")[:REPEATED]
    ]


def routes(start: datetime, end: datetime) -> list[str]:
    """Where slow statements ran, most of them first."""
    rows = _between(start, end).filter(slow__gt=0).values("route").annotate(n=Count("query_id", distinct=True))
    return list(rows.order_by("-n", "route").values_list("route", flat=True)[:ROUTES])


def of_routes(fingerprint: str, start: datetime, end: datetime) -> list[tuple[str, int, float, float]]:
    """Where one statement ran slowly: (route, runs, mean seconds, longest)."""
    rows = (
        _between(start, end)
        .filter(query_id=fingerprint, slow__gt=0)
        .values("route")
        .annotate(runs=Sum("slow"), took=Sum("seconds"), peak=Max("longest"))
        .order_by("-took", "route")[:ROUTES]
    )
    return [(row["route"], row["runs"], row["took"] / row["runs"], row["peak"]) for row in rows]


def trend(fingerprint: str, span: Span) -> tuple[Span, list[float], list[float | None]]:
    """Slow runs of each step, and their mean in seconds; the span in steps of five minutes or more."""
    wide = widened(span)
    counts, seconds = [0.0] * wide.points, [0.0] * wide.points
    rows = _between(wide.start, wide.end).filter(query_id=fingerprint, slow__gt=0)
    origin = int(wide.start.timestamp())
    for start, runs, took in rows.values_list("start", "slow", "seconds"):
        step = (start - origin) // wide.step_s
        counts[step] += runs
        seconds[step] += took
    return wide, counts, [took / runs if runs else None for runs, took in zip(counts, seconds, strict=True)]


def totals(start: datetime, end: datetime) -> tuple[int, int]:
    """How many slow runs there were, and of how many statements."""
    rows = _between(start, end).filter(slow__gt=0)
    found = rows.aggregate(runs=Sum("slow"), statements=Count("query_id", distinct=True))
    return found["runs"] or 0, found["statements"] or 0


def one(fingerprint: str) -> SlowQuery | None:
    return SlowQuery.objects.filter(pk=fingerprint).first()


def widened(span: Span) -> Span:
    """The span in whole steps of five minutes, or of as many as its own steps take."""
    step_s = -(-span.step_s // WIDTH_S) * WIDTH_S
    start, end = int(span.start.timestamp()), int(span.end.timestamp())
    start -= start % WIDTH_S
    length = -(-(end - start) // step_s) * step_s
    begin = datetime.fromtimestamp(start, UTC)
    return Span(begin, begin + timedelta(seconds=length), step_s)


def _between(start: datetime, end: datetime) -> QuerySet[QueryUse]:
    first = int(start.timestamp())
    return QueryUse.objects.filter(start__gte=first - first % WIDTH_S, start__lt=int(end.timestamp()))


def _line(row: Mapping[str, Any]) -> Line:
    return Line(
        fingerprint=row["query_id"],
        template=row["query__template"],
        routes=tuple(row["places"]),
        count=row["runs"],
        total=row["total"],
        mean=row["mean"],
        longest=row["most"],
        rows=row["returned"],
        last=row["query__last_seen"],
    )
