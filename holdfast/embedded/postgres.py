"""The embedded PostgreSQL 18 with pgvector: recovered after any crash, reached by a unix socket and a password."""

from __future__ import annotations

from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT

import psycopg
from psycopg import sql

from holdfast.embedded import postgres_data
from holdfast.embedded.account import Account
from holdfast.embedded.binaries import postgres_folder
from holdfast.embedded.errors import FolderError, explaining
from holdfast.embedded.folder import DATABASE, PORT, ROLE, Layout
from holdfast.embedded.postgres_conf import configuration
from holdfast.embedded.postgres_data import SUPERUSER
from holdfast.embedded.process import find, find_all, read_pid, stop, wait_until
from holdfast.embedded.server import Server

LEFTOVER_WAIT_S = 2.0
STILL_IN_USE = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')


class Postgres(Server):
    """PostgreSQL in `postgres/data`, with the role and database `holdfast` and pgvector in it."""

    name = "postgres"
    pid_file_name = "postmaster.pid"
    # Fast shutdown first (rolls back, checkpoints); immediate next (the next start recovers).
    stop_steps = ((SIGINT, 10.0), (SIGQUIT, 3.0), (SIGKILL, 3.0))

    def __init__(self, layout: Layout, account: Account, *, durable: bool) -> None:
        super().__init__(layout, account)
        self._durable = durable
        self._configuration = self.home / "conf"

    @property
    def mark(self) -> str:
        return str(self.data)

    @property
    def cluster(self) -> str:
        """The cluster's name, which stands in the title of every backend.

        With the folder's inode: a container may have another folder of the same path, and its processes in our sight.
        """
        return f"holdfast-{self.layout.mark}-{self.data.stat().st_ino}"

    def inspect(self) -> None:
        postgres_data.inspect(self.data, password_file=self.layout.password_file)

    def prepare(self) -> None:
        if not postgres_data.is_made(self.data):
            initdb, password = self.program().with_name("initdb"), self.layout.password_file
            postgres_data.make(
                self.data, initdb=initdb, password_file=password, account=self.account, durable=self._durable
            )
        with explaining(self._configuration):
            text = configuration(self.layout.sockets, cluster=self.cluster, durable=self._durable)
            self._configuration.write_text(text)
            self._configuration.chmod(0o644)

    def program(self) -> Path:
        return postgres_folder(self.layout.home, for_other_account=self.account.switches) / "postgres"

    def command(self) -> list[str]:
        return [str(self.program()), "-D", str(self.data), "-c", f"config_file={self._configuration}"]

    def extra_environment(self) -> dict[str, str]:
        """Let PostgreSQL see through a pid file whose number another program has by now.

        PostgreSQL takes any live process of its own user for a server, except the one in this variable (pg_ctl's way
        of excluding itself). The file stays, so that its check for leftover shared memory still happens.
        """
        stale = read_pid(self.data / self.pid_file_name)
        return {"PG_GRANDPARENT_PID": str(stale)} if stale and find(stale, mark=self.mark) is None else {}

    def is_answering(self) -> bool:
        if not self.layout.password_file.exists():
            return False
        try:
            with self._connect(SUPERUSER, "postgres"):
                return True
        except psycopg.OperationalError as problem:
            # A server that refuses our password is up; finish() says what to do about it.
            return "password authentication failed" in str(problem)

    def finish(self) -> None:
        """Have role, database and extension; each start asks, so that a crash half-way is mended by the next."""
        try:
            self._complete()
        except psycopg.OperationalError as problem:
            raise FolderError(
                f"The embedded PostgreSQL refuses the password in {self.layout.password_file} ({problem}): "
                f"restore that file, or move {self.data} away to start anew."
            ) from problem

    def may_retry(self, said: str) -> bool:
        """After a killed postmaster its children may live a moment longer; with it dead they may be ended safely."""
        if not any(words in said for words in STILL_IN_USE):
            return False
        if not wait_until(lambda: not find_all(mark=self.cluster), timeout_s=LEFTOVER_WAIT_S):
            for leftover in find_all(mark=self.cluster):
                stop(leftover, ((SIGQUIT, 1.0), (SIGKILL, 1.0)))
        return True

    def _password(self) -> str:
        with explaining(self.layout.password_file):
            return self.layout.password_file.read_text().strip()

    def _connect(self, user: str, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.layout.sockets),
            port=PORT,
            user=user,
            dbname=database,
            password=self._password(),
            connect_timeout=2,
            autocommit=True,
        )

    def _complete(self) -> None:
        """Make what is missing. pgvector goes into template1: only a superuser may create it."""
        role = sql.Identifier(ROLE)
        with self._connect(SUPERUSER, "postgres") as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                return
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
                login = sql.SQL("CREATE ROLE {} LOGIN CREATEDB IN ROLE pg_monitor, pg_signal_backend PASSWORD {}")
                connection.execute(login.format(role, self._password()))
            with self._connect(SUPERUSER, "template1") as template:
                template.execute("CREATE EXTENSION IF NOT EXISTS vector")
            # Made from template1, so it comes with the extension; and last, so that it stands for all of the above.
            connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(role))
