"""The database as a whole: size, cache, transactions, connections, and what is oldest in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connections

from monitoring.queries.server.asked import Kept, kept, rows

# one row of a view that PostgreSQL keeps in shared memory
DATABASE_SQL: Final = """
SELECT xact_commit AS commits, xact_rollback AS rollbacks, blks_read, blks_hit, deadlocks, temp_files, temp_bytes,
  stats_reset, current_setting('max_connections')::int AS most, current_setting('server_version') AS version,
  pg_postmaster_start_time() AS started
FROM pg_stat_database WHERE datname = current_database()
"""
# a row for each connection, at most max_connections
CONNECTIONS_SQL: Final = """
SELECT coalesce(state, 'hidden') AS state, count(*) AS count,
  count(*) FILTER (WHERE wait_event_type = 'Lock') AS waiting,
  max(extract(epoch FROM clock_timestamp() - xact_start))::float AS transaction_s,
  (max(extract(epoch FROM clock_timestamp() - query_start)) FILTER (WHERE state = 'active'))::float AS query_s
FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1 ORDER BY 2 DESC, 1
"""
# looks at the length of each file, so it is asked less often
SIZE_SQL: Final = "SELECT pg_database_size(current_database()) AS size"
SIZE_KEPT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class State:
    """Connections in one state."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Database:
    """Counts are since `since`, when the statistics were last reset."""

    version: str
    size: int
    commits: int
    rollbacks: int
    cache_hit: float | None
    deadlocks: int
    temp_files: int
    temp_bytes: int
    since: datetime
    most_connections: int
    connections: int
    waiting: int
    longest_transaction_s: float
    longest_query_s: float
    states: list[State] = field(default_factory=list)

    @property
    def used(self) -> float:
        """The share of all connections that are taken."""
        return self.connections / self.most_connections

    @property
    def rolled_back(self) -> float | None:
        all_of_them = self.commits + self.rollbacks
        return self.rollbacks / all_of_them if all_of_them else None


def _database() -> Database:
    """Its figures, from three looks into shared memory and one at its files."""
    [figures] = rows(DATABASE_SQL)
    states = rows(CONNECTIONS_SQL)
    read = figures["blks_read"] + figures["blks_hit"]
    return Database(
        version=figures["version"].split()[0],
        size=size(),
        commits=figures["commits"],
        rollbacks=figures["rollbacks"],
        cache_hit=figures["blks_hit"] / read if read else None,
        deadlocks=figures["deadlocks"],
        temp_files=figures["temp_files"],
        temp_bytes=figures["temp_bytes"],
        since=figures["stats_reset"] or figures["started"],
        most_connections=figures["most"],
        connections=sum(state["count"] for state in states),
        waiting=sum(state["waiting"] for state in states),
        longest_transaction_s=max((state["transaction_s"] or 0.0 for state in states), default=0.0),
        longest_query_s=max((state["query_s"] or 0.0 for state in states), default=0.0),
        states=[State(state["state"], state["count"]) for state in states],
    )


def _size() -> int:
    return int(rows(SIZE_SQL)[0]["size"])


size = Kept(_size, SIZE_KEPT_S)
database = kept(_database)


def pool() -> dict[str, int]:
    """psycopg's own figures of this process's pool, such as `pool_size` and `requests_wait_ms`; empty without one."""
    pools: dict[str, Any] = getattr(connections[DEFAULT_DB_ALIAS], "_connection_pools", {})
    found = pools.get(DEFAULT_DB_ALIAS)
    return dict(found.get_stats()) if found is not None else {}


def gauges() -> dict[str, float]:
    """What the aggregator samples every five seconds."""
    found = database()
    figures = {
        "database.connections": float(found.connections),
        "database.connections_most": float(found.most_connections),
        "database.waiting": float(found.waiting),
        "database.longest_transaction_s": found.longest_transaction_s,
        "database.size_bytes": float(found.size),
        "database.deadlocks": float(found.deadlocks),
    }
    return figures if found.cache_hit is None else figures | {"database.cache_hit": found.cache_hit}
