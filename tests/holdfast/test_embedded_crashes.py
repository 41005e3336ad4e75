"""What a crash leaves behind does not stop the next start."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from holdfast.embedded import DiskFullError, Services
from holdfast.embedded.account import service_account
from holdfast.embedded.folder import locate
from holdfast.embedded.server import identity
from tests.holdfast.places import ALONE, IS_ROOT, make_folder

pytestmark = pytest.mark.chaos


@pytest.fixture
def folder() -> Iterator[Path]:
    with make_folder() as made:
        yield made


def _kill(services: Services, index: int) -> None:
    """SIGKILL the server and wait until it is reaped, as after a crash."""
    child = services._servers[index]._child
    assert child is not None
    child.kill()
    child.wait(timeout=10)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_killed_postgres_recovers_what_was_committed(folder: Path) -> None:
    with Services(folder, cache=False, broker=False) as services:
        with psycopg.connect(services.addresses.database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
        idle = psycopg.connect(services.addresses.database_url)
        _kill(services, 0)
        assert (folder / "postgres/data/postmaster.pid").exists()

        assert services.revive() == ("postgres",)
        with psycopg.connect(services.addresses.database_url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (1,)
        idle.close()


def test_a_busy_backend_of_a_killed_postgres_is_ended_first(folder: Path) -> None:
    with Services(folder, cache=False, broker=False, durable=False) as services:
        busy = psycopg.connect(services.addresses.database_url)
        backend = psutil.Process(busy.info.backend_pid)
        # Stopped, it can't notice that its postmaster is gone: the hardest kind of leftover.
        backend.suspend()
        _kill(services, 0)
        assert services.revive() == ("postgres",)
        assert not backend.is_running() or backend.status() == psutil.STATUS_ZOMBIE
        assert services.check() == ()
        busy.close()


def test_a_crash_that_left_a_pid_file_does_not_stop_the_next_start(folder: Path) -> None:
    with Services(folder, durable=False):
        pass
    with _foreign_process() as foreign:
        for pid_file in ("postgres/data/postmaster.pid", "cache/data/redis.pid", "broker/data/redis.pid"):
            (folder / pid_file).write_text(f"{foreign.pid}\n")
        with Services(folder, durable=False) as services:
            assert services.check() == ()
            assert foreign.pid not in [server.running().pid for server in services._servers]
        assert foreign.poll() is None
        foreign.kill()


def test_a_crash_that_left_sockets_does_not_stop_the_next_start(folder: Path) -> None:
    with Services(folder, postgres=False):
        pass
    for name in ("cache", "broker"):
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(locate(folder).socket(name)))
    with Services(folder, postgres=False) as services:
        assert services.check() == ()


def test_a_killed_redis_is_started_again(folder: Path) -> None:
    with Services(folder, postgres=False) as services:
        _kill(services, 1)
        assert services.check() == ("broker",)
        assert services.revive() == ("broker",)
        assert services.check() == ()


def test_an_interrupted_initdb_is_done_again(folder: Path) -> None:
    unfinished = folder / "postgres" / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with Services(folder, cache=False, broker=False, durable=False) as services:
        assert services.check() == ()
    assert not unfinished.exists()


def test_servers_of_a_killed_starter_are_adopted_and_stopped(folder: Path) -> None:
    code = "import sys; from pathlib import Path; from holdfast.embedded import Services;"
    code += "Services(Path(sys.argv[1]), durable=False).start(); print('up', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", ALONE + code, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"up\n"
        starter.kill()
    services = Services(folder, durable=False)
    services.start()
    processes = [server.running() for server in services._servers]
    services.stop()
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def test_starts_at_the_same_time_take_turns(folder: Path) -> None:
    code = "import sys; from pathlib import Path; from holdfast.embedded import Services;"
    code += "services = Services(Path(sys.argv[1]), durable=False); services.start(); print(services.check())"
    command = [sys.executable, "-c", ALONE + code, str(folder)]
    starters = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    try:
        assert [starter.communicate(timeout=60)[0] for starter in starters] == [b"()\n"] * 3
    finally:
        with Services(folder):
            pass


def test_a_full_disk_is_named(folder: Path) -> None:
    if not IS_ROOT:
        pytest.skip("only root can mount a small file system")
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let us mount")
    try:
        with pytest.raises(DiskFullError, match="No space is left on the disk that holds"):
            Services(folder, cache=False, broker=False).start()
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _foreign_process() -> subprocess.Popen[bytes]:
    """A process of the servers' account that is no server: PostgreSQL alone would take it for one."""
    command = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]
    if IS_ROOT:
        command = ["/bin/sleep", "600"]
    return subprocess.Popen(command, cwd="/", **identity(service_account()))
