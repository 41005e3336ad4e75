from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
import pytest_django
from django.db import connection

from monitoring.queries.fingerprint import fingerprint
from monitoring.queries.server import asked, relations, statements, statistics
from tests.monitoring.queries.made import PLANTED, execute, planted

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def visits(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), planted():
        yield


@pytest.mark.usefixtures("visits")
def test_indexes_that_nobody_uses_and_that_another_one_serves_are_found() -> None:
    execute(
        f"CREATE INDEX planted_guest ON {PLANTED} (guest_id)",
        f"CREATE INDEX planted_guest_at ON {PLANTED} (guest_id, at)",
        f"CREATE INDEX planted_guest_at_2 ON {PLANTED} (guest_id, at)",
        f"CREATE INDEX planted_guest_open ON {PLANTED} (guest_id) WHERE deleted_at IS NULL",
        f"CREATE INDEX planted_at_desc ON {PLANTED} (guest_id DESC, at)",
        f"CREATE UNIQUE INDEX planted_unique ON {PLANTED} (guest_id, at, id)",
    )
    ours = [one for one in relations.duplicates() if one.index.table == PLANTED]
    found = {one.index.name: (one.by.name, one.is_same) for one in ours}
    assert found.keys() == {"planted_guest", "planted_guest_at", "planted_guest_at_2"}
    assert not any(one.is_same for one in ours if one.index.name == "planted_guest")
    unused = {index.name for index in relations.unused() if index.table == PLANTED}
    assert {"planted_guest", "planted_guest_at", "planted_at_desc"} <= unused
    assert "planted_guest_open" not in unused, "it is too small to matter"
    assert "planted_unique" not in unused
    assert f"{PLANTED}_pkey" not in unused


@pytest.mark.usefixtures("visits")
def test_of_two_that_are_the_same_one_is_to_be_dropped() -> None:
    execute(
        f"CREATE INDEX planted_a ON {PLANTED} (at)",
        f"CREATE INDEX planted_b ON {PLANTED} (at)",
    )
    [one] = [one for one in relations.duplicates() if one.index.table == PLANTED]
    assert (one.index.name, one.by.name, one.is_same) == ("planted_b", "planted_a", True)
    assert one.index.drop == "DROP INDEX CONCURRENTLY planted_b;"


@pytest.mark.usefixtures("visits")
def test_a_big_table_that_is_often_read_as_a_whole_is_found() -> None:
    assert PLANTED not in {table.name for table in relations.scanned()}
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as reader:
        for _ in range(relations.SCANS):
            reader.execute(f"SELECT count(*) FROM {PLANTED} WHERE note = 'y'")
        reader.execute("SELECT pg_stat_force_next_flush()")  # a session tells its counts when it has time
    asked.forget()
    execute("SELECT pg_stat_clear_snapshot()")
    found = {table.name: table for table in relations.scanned()}
    assert found[PLANTED].scans >= relations.SCANS
    assert found[PLANTED].read >= relations.SCANS * 20_000


def test_the_database_says_how_it_is() -> None:
    found = statistics.database()
    assert found.size > 1_000_000
    assert found.connections >= 1
    assert found.most_connections >= found.connections
    assert any(state.name == "active" for state in found.states)
    gauges = statistics.gauges()
    assert gauges["database.connections"] == found.connections
    assert gauges["database.size_bytes"] == found.size
    assert statistics.pool() == {}
    assert statistics.database() is found, "remembered for some seconds"
    asked.forget()
    assert statistics.database() is not found


def test_without_pg_stat_statements_the_page_says_so() -> None:
    found = statements.statements()
    assert "not installed" in found.problem
    assert found.top == []


def test_with_pg_stat_statements_all_calls_are_joined_by_their_text() -> None:
    execute(
        "CREATE TABLE pg_stat_statements (dbid oid, query text, calls bigint, total_exec_time float, rows bigint)",
        "INSERT INTO pg_stat_statements "
        "SELECT oid, 'SELECT a FROM t WHERE b = $1 AND c IN ($2 /*, ... */)', 40, 90.0, 9 "
        "FROM pg_database WHERE datname = current_database()",
        "INSERT INTO pg_stat_statements SELECT 1, 'SELECT of another database', 40, 900.0, 9",
    )
    found = statements.statements()
    assert found.problem == ""
    ours = found.of(fingerprint("SELECT a FROM t WHERE b = %s AND c IN (%s, %s, %s)"))
    assert ours is not None
    assert (ours.calls, ours.mean_ms) == (40, 2.25)
    assert len(found.top) == 1


def test_a_pg_stat_statements_that_can_not_be_read_is_no_error() -> None:
    execute("CREATE TABLE pg_stat_statements (query text)")
    assert "can't be read" in statements.statements().problem
