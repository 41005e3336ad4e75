"""Sees every query of the process: measures it, keeps the slow ones, and finds what one request asks over and over.

A query costs about 2 µs here; only slow ones pay for a fingerprint. Statements come without their values, and what
is kept of them has lost those that were written into the text too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from time import perf_counter
from typing import Any, Final

from django.conf import settings
from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper

from monitoring.metrics import count, observe
from monitoring.queries import transport
from monitoring.queries.fingerprint import both
from monitoring.queries.transport import Met, limit
from monitoring.tracing import parts

QUERIES: Final = "database.queries"
ERRORS: Final = "database.errors"
SLOW: Final = "database.slow"
REPEATED: Final = "database.repeated"
REPEATS: Final = 10  # runs of one statement in one request that are a loop, not a page
TEMPLATES: Final = 100  # statements of one request that are told apart
ROUTE_LENGTH: Final = 100

Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]


class Seen:
    """What one request or job has asked so far: each statement's runs and seconds."""

    __slots__ = ("name", "runs", "token")

    def __init__(self, name: Callable[[], str]) -> None:
        self.name = name
        self.runs: dict[str, list[float]] = {}
        self.token: Token[Seen | None] | None = None

    def repeated(self) -> list[tuple[str, int, float]]:
        """Statements that ran ten times or more: (statement, runs, seconds)."""
        return [(text, int(n), seconds) for text, (n, seconds) in self.runs.items() if n >= REPEATS]


_seen: ContextVar[Seen | None] = ContextVar("queries", default=None)
_current = _seen.get


def install(sender: object, connection: BaseDatabaseWrapper, **signal: Any) -> None:
    """Receiver of Django's `connection_created`: from now on this connection's queries are seen."""
    if getattr(settings, "HOLDFAST_METRICS", True) and watch not in connection.execute_wrappers:
        connection.execute_wrappers.append(watch)
        transport.start()


def begin(name: Callable[[], str]) -> Seen:
    """A request or job begins; `name` is asked for its operation only where there is something to tell."""
    seen = Seen(name)
    seen.token = _seen.set(seen)
    return seen


def end(seen: Seen) -> Seen:
    """It has ended: what it asked ten times or more is kept."""
    if seen.token is not None:
        _seen.reset(seen.token)
        seen.token = None
        for text, runs, seconds in seen.repeated():
            count(REPEATED)
            mark, template = both(text)
            transport.keep(Met(mark, template, seen.name()[:ROUTE_LENGTH], int(time.time()), seconds, 0, runs))
    return seen


@contextmanager
def watched(name: str) -> Iterator[Seen]:
    """The body is one piece of work by that name, such as `job extract`."""
    seen = begin(lambda: name)
    try:
        yield seen
    finally:
        end(seen)


def watch(execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Django's wrapper around each query."""
    began = perf_counter()
    try:
        result = execute(sql, params, many, context)
    except Error:
        count(ERRORS)
        _measured(sql, perf_counter() - began, context)
        raise
    _measured(sql, perf_counter() - began, context)
    return result


def _measured(sql: Any, took_s: float, context: dict[str, Any]) -> None:
    observe(QUERIES, took_s)
    parts.add("database", took_s)
    seen = _current()
    if seen is not None and isinstance(sql, str):
        known = seen.runs.get(sql)
        if known is not None:
            known[0] += 1
            known[1] += took_s
        elif len(seen.runs) < TEMPLATES:
            seen.runs[sql] = [1, took_s]
    if took_s >= limit.slow_s:
        _keep(sql, took_s, seen, context)


def _keep(sql: Any, took_s: float, seen: Seen | None, context: dict[str, Any]) -> None:
    count(SLOW)
    cursor = context["cursor"]
    # composed by psycopg's sql module: names and literals in their places
    text = sql if isinstance(sql, str) else sql.as_string(cursor.cursor)
    mark, template = both(text)
    route = seen.name()[:ROUTE_LENGTH] if seen is not None else ""
    transport.keep(Met(mark, template, route, int(time.time()), took_s, max(0, cursor.rowcount)))
