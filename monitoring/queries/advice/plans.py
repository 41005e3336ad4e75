"""A statement's plan for any values: asked for with plain EXPLAIN on a connection of its own, never run.

PostgreSQL 16 and later plan a statement with `$1` in place of values (GENERIC_PLAN); before that a prepared statement
is explained. Read-only, with a time limit, one statement, and once in ten minutes for each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections

from monitoring.models import SlowQuery
from monitoring.queries.fingerprint import TEMPLATE_LIMIT, numbered

EVERY: Final = timedelta(minutes=10)
STATEMENT_MS: Final = 1000
LOCK_MS: Final = 200
GENERIC_SINCE: Final = 160_000
PARAMETERS: Final = 200  # of a prepared statement
ALLOWED: Final = re.compile(r"\s*\(*\s*(select|insert|update|delete|with)\b", re.IGNORECASE)


class RefusedError(Exception):
    """This statement gets no plan; the message says why."""


@dataclass(frozen=True, slots=True)
class Planned:
    """PostgreSQL's answer: the tree as it came, and the estimate of its cost."""

    tree: dict[str, Any]

    @property
    def cost(self) -> float:
        return float(self.tree["Total Cost"])


def refresh(query: SlowQuery, *, now: datetime) -> SlowQuery:
    """Have the statement planned unless that was tried in the last ten minutes; one process at a time does it."""
    due = SlowQuery.objects.filter(pk=query.pk).exclude(planned_at__gt=now - EVERY)
    if not due.update(planned_at=now):
        return query
    try:
        query.plan, query.plan_problem = explain(query.template).tree, ""
    except RefusedError as problem:
        query.plan, query.plan_problem = None, str(problem)[:300]
    query.planned_at = now
    query.save(update_fields=["plan", "plan_problem", "planned_at"])
    return query


def explain(template: str) -> Planned:
    """Raises RefusedError for what is not one readable statement, and where PostgreSQL can't plan it in time."""
    statement = checked(template)
    try:
        with own_connection() as asked:
            return planned(asked, statement)
    except psycopg.Error as problem:
        raise RefusedError(_told(problem)) from problem


def checked(template: str) -> str:
    """The statement with `$1` in place of values; refused unless it is one, whole, and of a kind that has a plan."""
    if len(template) >= TEMPLATE_LIMIT:
        raise RefusedError("The statement is too long: it was cut.")
    if not ALLOWED.match(template):
        raise RefusedError("Only SELECT, INSERT, UPDATE, DELETE and WITH have a plan.")
    if ";" in template:
        raise RefusedError("It is more than one statement.")
    return numbered(template)


@contextmanager
def own_connection(*, read_only: bool = True) -> Iterator[psycopg.Connection[Any]]:
    """A transaction that is always rolled back, on a connection that no request uses and nobody measures."""
    settings = connections[DEFAULT_DB_ALIAS].get_connection_params() | {"connect_timeout": 2, "autocommit": True}
    asked = psycopg.connect(**{key: value for key, value in settings.items() if key != "prepare_threshold"})
    try:
        asked.execute("BEGIN READ ONLY" if read_only else "BEGIN")
        asked.execute(f"SET LOCAL statement_timeout = {STATEMENT_MS}")
        asked.execute(f"SET LOCAL lock_timeout = {LOCK_MS}")
        yield asked
    finally:
        asked.close()  # which rolls back


def planned(asked: psycopg.Connection[Any], statement: str) -> Planned:
    """The plan of a checked statement on a connection of our own."""
    if asked.info.server_version >= GENERIC_SINCE:
        return _read(asked, f"EXPLAIN (FORMAT JSON, GENERIC_PLAN) {statement}")
    values = len(set(re.findall(r"\$(\d+)", statement)))
    if values > PARAMETERS:
        raise RefusedError("It has too many values.")
    arguments = f"({', '.join(['NULL'] * values)})" if values else ""
    asked.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    _run(asked, f"PREPARE planned AS {statement}")
    return _read(asked, f"EXPLAIN (FORMAT JSON) EXECUTE planned{arguments}")


def _read(asked: psycopg.Connection[Any], explained: str) -> Planned:
    found = _run(asked, explained).fetchone()
    assert found is not None
    return Planned(found[0][0]["Plan"])


def _run(asked: psycopg.Connection[Any], statement: str) -> psycopg.Cursor[Any]:
    # the statement comes from our own processes and was checked; it has no values, so none can be bound
    return asked.execute(statement)


def _told(problem: psycopg.Error) -> str:
    """PostgreSQL's words in one line, and what they mean where the lack of values is the cause."""
    if isinstance(problem, psycopg.errors.QueryCanceled):
        return f"Planning took longer than {STATEMENT_MS} ms and was given up."
    if isinstance(problem, psycopg.errors.LockNotAvailable):
        return "A table of it is locked: try again in ten minutes."
    line = (str(problem).splitlines() or [type(problem).__name__])[0]
    return f"PostgreSQL can't plan it without its values: {line}."
