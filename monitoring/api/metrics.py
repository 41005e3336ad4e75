"""The API's group of measurements: all operations with their figures, one series over time, the slowest requests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from monitoring.metrics import ranges, read, snapshot
from monitoring.metrics.operations import Operation, operations
from monitoring.metrics.ranges import RangeError, Span
from monitoring.models import Series, SlowRequest
from monitoring.tracing.parts import ordered

router = Router(tags=["metrics"])
Range = Annotated[str, Field(max_length=64)]
KEPT = ("id", "at", "operation", "method", "status", "seconds", "trace_id", "request_id", "job_id")


class OperationOut(Schema):
    """Durations in seconds. `error_share` is of 1; `p95_before_s` is of the same length of time before."""

    name: str
    kind: str
    count: int
    errors: float
    rate: float
    error_share: float
    p50_s: float
    p95_s: float
    p99_s: float
    p95_before_s: float | None


class Operations(Schema):
    """`reporting` says whose figures these are, such as `partial: 14 of 16 processes reporting`."""

    start: datetime
    end: datetime
    reporting: str
    items: list[OperationOut]
    next: None = None


class SeriesOut(Schema):
    """A value for each step: of a latency its observations and quantiles in seconds, of a counter its sum, of a gauge
    its mean. None where nothing was measured."""

    name: str
    kind: str
    start: datetime
    step_s: int
    values: list[float | None]
    p50: list[float | None] | None = None
    p95: list[float | None] | None = None
    p99: list[float | None] | None = None


class PartOut(Schema):
    name: str
    seconds: float
    times: int


class SlowOut(Schema):
    id: UUID
    at: datetime
    operation: str
    method: str
    status: int
    failed: bool
    seconds: float
    parts: list[PartOut]
    trace_id: str
    request_id: str
    job_id: str


class SlowRequests(Schema):
    items: list[SlowOut]
    next: UUID | None


class SlowFilter(Schema):
    """`operation` is the name of its series, such as `operation.assemble_context`; `least_s` leaves out faster ones."""

    operation: str = Field("", max_length=100)
    least_s: float = Field(0.0, ge=0, le=86_400)
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: UUID | None = None


@router.get("/operations", response=Operations, url_name="metrics_operations")
def list_operations(
    request: HttpRequest, range: Range = "1h", kind: Literal["", "web", "jobs", "providers", "database"] = ""
) -> dict[str, Any]:
    """Every operation that was called in the range, the slowest p95 first."""
    now = timezone.now()
    span = _span(range, now)
    lasted_s = (min(span.end, now) - span.start) / timedelta(seconds=1)
    found = operations(span, kind=kind, against=span.before(), lasted_s=lasted_s)
    taken = snapshot.latest()
    return {
        "start": span.start,
        "end": span.end,
        "reporting": taken.reporting if taken else "none yet",
        "items": [_operation(one) for one in sorted(found, key=lambda one: -one.p95_s)],
    }


@router.get("/series", response=SeriesOut, url_name="metrics_series")
def get_series(
    request: HttpRequest, name: Annotated[str, Query(..., max_length=100)], range: Range = "1h"
) -> dict[str, Any]:
    """One series over the range, by its name; `manage.py metrics series` lists them all."""
    span = _span(range, timezone.now())
    series = Series.objects.filter(name=name).first()
    if series is None:
        raise HttpError(404, f"There is no series {name!r}.")
    shown: dict[str, Any] = {"name": name, "kind": series.kind, "start": span.start, "step_s": span.step_s}
    if series.kind == Series.Kind.GAUGE:
        return shown | {"values": read.gauges([name], span)[name]}
    shown["values"] = read.counts([name], span)[name]
    if series.kind == Series.Kind.LATENCY:
        quantiles = read.quantiles(name, span, (0.5, 0.95, 0.99))
        shown |= {"p50": quantiles[0.5], "p95": quantiles[0.95], "p99": quantiles[0.99]}
    return shown


@router.get("/slow-requests", response=SlowRequests, url_name="metrics_slow_requests")
def list_slow_requests(request: HttpRequest, wanted: Annotated[SlowFilter, Query()]) -> dict[str, Any]:
    """The slowest requests and jobs of each minute of the last 30 days, newest first, with where their time went."""
    rows = SlowRequest.objects.filter(seconds__gte=wanted.least_s)
    if wanted.operation:
        rows = rows.filter(operation=wanted.operation)
    if wanted.cursor is not None:
        rows = rows.filter(pk__lt=wanted.cursor)
    found = list(rows.order_by("-pk")[: wanted.limit + 1])
    page = found[: wanted.limit]
    return {"items": [_slow(one) for one in page], "next": page[-1].pk if len(found) > len(page) else None}


def _span(name: str, now: datetime) -> Span:
    try:
        return ranges.span(name, now=now)
    except RangeError as problem:
        raise HttpError(422, f"{problem}.".replace("..", ".")) from None


def _operation(one: Operation) -> dict[str, Any]:
    names = ("name", "kind", "errors", "rate", "error_share", "p50_s", "p95_s", "p99_s")
    return {name: getattr(one, name) for name in names} | {"count": round(one.count), "p95_before_s": one.before_s}


def _slow(one: SlowRequest) -> dict[str, Any]:
    spent = ((name, *one.parts[name]) for name in ordered(one.parts))
    told = [{"name": name, "seconds": seconds, "times": times} for name, seconds, times in spent]
    return {name: getattr(one, name) for name in KEPT} | {"failed": one.is_failed, "parts": told}
