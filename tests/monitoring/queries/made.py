"""Planted tables, and what was captured as the aggregator would store it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import redis
from django.conf import settings
from django.db import connection

from monitoring.models import SlowQuery
from monitoring.queries import transport
from monitoring.queries.fingerprint import both
from monitoring.queries.server import asked
from monitoring.queries.store import Collector, store
from monitoring.queries.transport import Met

NOW = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
PLANTED = "planted_visit"


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextmanager
def planted(rows: int = 20_000) -> Iterator[None]:
    """A table of visits that has an index on its id only: 1,000 guests, five states, most of them not deleted."""
    execute(
        f"DROP TABLE IF EXISTS {PLANTED}",
        f"CREATE TABLE {PLANTED} (id bigserial PRIMARY KEY, guest_id int NOT NULL, state text NOT NULL, "
        "at timestamptz NOT NULL, deleted_at timestamptz, note text)",
        f"INSERT INTO {PLANTED} (guest_id, state, at, deleted_at, note) SELECT n % 1000, 'state ' || n % 5, "
        f"'2026-01-01'::timestamptz + n * interval '1 minute', CASE WHEN n % 10 > 0 THEN now() END, repeat('x', 200) "
        f"FROM generate_series(1, {rows}) AS n",
        f"ANALYZE {PLANTED}",
    )
    asked.forget()
    try:
        yield
    finally:
        execute(f"DROP TABLE {PLANTED}")
        asked.forget()


@contextmanager
def threshold(milliseconds: int) -> Iterator[None]:
    """Queries that take longer are slow, as if an operator had said so."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.set(transport.SLOW_KEY, milliseconds)
    with transport._courier.lock:  # its thread looks up the same from now on
        transport.limit.slow_s = milliseconds / 1000
    try:
        yield
    finally:
        client.delete(transport.SLOW_KEY)
        with transport._courier.lock:
            transport.limit.slow_s = settings.HOLDFAST_SLOW_QUERY_MS / 1000


def collect() -> None:
    """What the processes' threads and the aggregator do within a second or two."""
    assert transport.deliver()
    Collector(redis.Redis.from_url(settings.REDIS_URL)).tick(int(time.time()))


def make_met(
    statement: str = "SELECT id FROM memory_memory WHERE user_id = %s",
    *,
    route: str = "assemble_context",
    ago: timedelta = timedelta(minutes=5),
    seconds: float = 0.25,
    rows: int = 40,
    runs: int = 1,
    now: datetime = NOW,
) -> Met:
    mark, template = both(statement)
    return Met(mark, template, route, int((now - ago).timestamp()), seconds, rows, runs)


def make_query(statement: str, *, now: datetime = NOW) -> SlowQuery:
    """A slow statement as it is stored."""
    met = make_met(statement, now=now)
    store([met])
    return SlowQuery.objects.get(pk=met.fingerprint)
