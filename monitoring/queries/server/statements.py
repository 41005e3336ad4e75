"""pg_stat_statements, where it is: every statement's calls and time, joined to ours by the fingerprint of its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import Error

from monitoring.queries.fingerprint import both
from monitoring.queries.server.asked import kept, rows

SHOWN: Final = 200
ENABLE: Final = (
    "shared_preload_libraries = 'pg_stat_statements'",
    "CREATE EXTENSION pg_stat_statements;",
    "GRANT pg_read_all_stats TO CURRENT_USER;",
)
PRESENT_SQL: Final = "SELECT to_regclass('pg_stat_statements')::text AS name"
# a scan of shared memory, at most pg_stat_statements.max rows (5,000)
TOP_SQL: Final = """
SELECT query, sum(calls)::bigint AS calls, sum(total_exec_time) AS total_ms, sum(rows)::bigint AS rows
FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
GROUP BY query ORDER BY 3 DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """All calls of a statement since the statistics began, fast ones too."""

    fingerprint: str
    template: str
    calls: int
    total_ms: float
    rows: int

    @property
    def mean_ms(self) -> float:
        return self.total_ms / self.calls if self.calls else 0.0


@dataclass(frozen=True, slots=True)
class Statements:
    """`problem` says why there are none."""

    problem: str
    top: list[Statement]

    def of(self, fingerprint: str) -> Statement | None:
        return next((statement for statement in self.top if statement.fingerprint == fingerprint), None)


def _statements() -> Statements:
    """The statements that took most time in all."""
    if rows(PRESENT_SQL)[0]["name"] is None:
        return Statements("The extension pg_stat_statements is not installed.", [])
    try:
        found = rows(TOP_SQL, [SHOWN])
    except Error as problem:
        return Statements(f"pg_stat_statements can't be read: {str(problem).splitlines()[0]}.", [])
    return Statements("", [_statement(*row.values()) for row in found])


statements = kept(_statements)


def _statement(query: str, calls: int, total_ms: float, count: int) -> Statement:
    # commands such as ALTER ROLE come with their values
    mark, template = both(query)
    return Statement(mark, template, calls, float(total_ms), count)
