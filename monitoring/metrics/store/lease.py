"""The right to aggregate: one process has it at a time, and another takes it within five seconds of its end."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

import psycopg
from django.db import connection

LOCK: Final = 0x686F6C6466617374  # "holdfast"; the advisory lock of whoever aggregates

# A holder that is killed closes its connection, which frees the lock at once. One that hangs, or whose machine is gone,
# stops asking each second, and PostgreSQL ends its session.
SETUP_SQL = """
SET idle_session_timeout = '4s';
SET tcp_keepalives_idle = 2; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 2
"""


class Lease:
    """An advisory lock on a connection of its own: one from Django's pool would go back to it with the lock.

    PgBouncer needs session pooling for it.
    """

    def __init__(self) -> None:
        self._connection: psycopg.Connection | None = None
        self._is_held = False

    def hold(self) -> bool:
        """Whether this process has the lease, taking it when nobody does. Raises psycopg.Error; call `release` then."""
        if self._connection is None:
            # The name tells in pg_stat_activity which process it is
            parameters = connection.get_connection_params() | {"application_name": f"holdfast-aggregator:{os.getpid()}"}
            self._connection = psycopg.connect(**parameters, autocommit=True)
            self._connection.execute(SETUP_SQL)
        if self._is_held:
            self._connection.execute("SELECT 1")
        else:
            answer = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
            self._is_held = answer == (True,)
        return self._is_held

    def release(self) -> None:
        """Give it back, or forget it when the connection is lost."""
        if self._connection is not None:
            # said as well as hung up: PostgreSQL takes a moment to notice that a connection was closed
            with suppress(psycopg.Error):
                self._connection.execute("SELECT pg_advisory_unlock_all()")
            self._connection.close()
        self._connection, self._is_held = None, False
