"""The API's group of slow queries: which, where, why, and what would help; and what the database says of itself."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from monitoring.metrics import read as metrics
from monitoring.queries import read, store
from monitoring.queries.advice.advise import Missing, advise
from monitoring.queries.read import PAGE, PAGE_MOST, Line, Wanted
from monitoring.queries.server import relations, statements, statistics

router = Router(tags=["queries"])
Sort = Literal["total", "mean", "longest", "count", "rows", "last"]


class QueryOut(Schema):
    """A statement without its values, and its slow runs in the range; durations in seconds."""

    fingerprint: str
    template: str
    routes: list[str]
    count: int
    total: float
    mean: float
    longest: float
    rows: int
    last: datetime


class Queries(Schema):
    items: list[QueryOut]
    next: str | None = None


class Filter(Schema):
    """`route` is an operation's name, or `job` and its kind; `cursor` is the `next` of the page before."""

    range: str = Field("24h", max_length=64)
    sort: Sort = "total"
    route: str | None = Field(None, max_length=100)
    q: str = Field("", max_length=100)
    limit: Annotated[int, Field(ge=1, le=PAGE_MOST)] = PAGE
    cursor: Annotated[int, Field(ge=0, le=store.QUERY_LIMIT)] = 0


class StepOut(Schema):
    """A step of the plan: `own` is its cost without the steps below it."""

    depth: int
    name: str
    on: str
    index: str
    condition: str
    rows: float
    own: float
    share: float
    is_costliest: bool


class ProofOut(Schema):
    how: str
    before: float
    after: float
    is_used: bool
    at: datetime


class IndexOut(Schema):
    """An index that is missing. It is never made for you."""

    statement: str
    table: str
    columns: list[str]
    condition: str
    why: str
    rows: int
    similar: list[str]
    proof: ProofOut | None
    unproven: str


class RouteOut(Schema):
    route: str
    count: int
    mean: float
    longest: float


class RepeatOut(Schema):
    route: str
    requests: int
    most: int
    per_request: float


class QueryDetail(Schema):
    """`problem` says why there is no plan, `cause` why the plan costs what it does."""

    fingerprint: str
    template: str
    first_seen: datetime
    last_seen: datetime
    routes: list[RouteOut]
    repeats: list[RepeatOut]
    plan: list[StepOut]
    cost: float | None
    cause: str
    problem: str
    indexes: list[IndexOut]
    notes: list[str]


class TableOut(Schema):
    name: str
    live: int
    dead: int
    scans: int
    index_scans: int
    size: int


class UnusedOut(Schema):
    name: str
    table: str
    size: int
    drop: str


class DuplicateOut(UnusedOut):
    served_by: str


class Statistics(Schema):
    """Counts are since the database's statistics were last reset."""

    database: dict[str, Any]
    pool: dict[str, int]
    slow_ms: int
    all_calls: str
    scanned: list[TableOut]
    unused_indexes: list[UnusedOut]
    duplicate_indexes: list[DuplicateOut]


@router.get("", response=Queries, url_name="slow_queries")
def list_queries(request: HttpRequest, wanted: Query[Filter]) -> dict[str, Any]:
    """Slow queries of a range, by fingerprint, those of most `sort` first."""
    start, end = _between(wanted.range)
    narrowed = Wanted(wanted.sort, wanted.route, wanted.q.replace("\0", ""))
    lines = read.slow(start, end, narrowed, limit=wanted.limit + 1, offset=wanted.cursor)
    is_more = len(lines) > wanted.limit
    items = [_line(line) for line in lines[: wanted.limit]]
    return {"items": items, "next": str(wanted.cursor + wanted.limit) if is_more else None}


# before the operation of one query: its path fits this one too
@router.get("/statistics", response=Statistics, url_name="query_statistics")
def get_statistics(request: HttpRequest) -> dict[str, Any]:
    """The database's figures and connections, whole-table reads, and indexes to do without; 15 s old at most."""
    problem = statements.statements().problem
    return {
        "database": asdict(statistics.database()),
        "pool": statistics.pool(),
        "slow_ms": store.slow_ms(),
        "all_calls": problem or "counted",
        "scanned": relations.scanned(),
        "unused_indexes": relations.unused(),
        "duplicate_indexes": [
            {"name": one.index.name, "table": one.index.table, "size": one.index.size, "drop": one.index.drop}
            | {"served_by": one.by.name}
            for one in relations.duplicates()
        ],
    }


@router.get("/{fingerprint}", response=QueryDetail, url_name="slow_query")
def get_query(request: HttpRequest, fingerprint: str, range: str = "24h") -> dict[str, Any]:
    """One query: where it is slow, its plan with the step that costs most, and what would make it faster."""
    now = timezone.now()
    start, end = _between(range)
    query = read.one(fingerprint[:16])
    if query is None:
        raise Http404
    repeated = read.repeats(start, end, fingerprint=query.pk)
    found = advise(query, repeated, now=now)
    names = ("route", "count", "mean", "longest")
    return {
        "fingerprint": query.pk,
        "template": query.template,
        "first_seen": query.first_seen,
        "last_seen": query.last_seen,
        "routes": [dict(zip(names, row, strict=True)) for row in read.of_routes(query.pk, start, end)],
        "repeats": repeated,
        "plan": found.tree.steps if found.tree else [],
        "cost": found.tree.cost if found.tree else None,
        "cause": found.tree.cause if found.tree else "",
        "problem": found.problem,
        "indexes": [_index(missing) for missing in found.missing],
        "notes": found.notes,
    }


def _between(range_name: str) -> tuple[datetime, datetime]:
    """The range's start and end."""
    now = timezone.now()
    try:
        span = metrics.span(range_name, now=now)
    except ValueError as problem:
        raise HttpError(422, f"range: {problem}") from problem
    return span.start, max(span.end, now)


def _line(line: Line) -> dict[str, Any]:
    return asdict(line) | {"routes": list(line.routes)}


def _index(missing: Missing) -> dict[str, Any]:
    proposal, proof = missing.proposal, missing.proof
    names = ("statement", "table", "columns", "condition", "why", "rows", "similar")
    shown = {name: getattr(proposal, name) for name in names}
    return shown | {"proof": proof, "unproven": "" if proof else missing.why_unproven}
