"""Start, stop and check the embedded services of one folder together."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from holdfast.embedded.account import service_account
from holdfast.embedded.errors import BusyError, explaining
from holdfast.embedded.folder import Addresses, Layout, locate
from holdfast.embedded.locks import Lock
from holdfast.embedded.postgres import Postgres
from holdfast.embedded.redis import Broker, Cache
from holdfast.embedded.server import Server

logger = logging.getLogger(__name__)
TURN_LIMIT_S = 150.0  # longer than one start may take, so that whoever waits finds the servers running


class Services:
    """PostgreSQL, the cache Redis and the broker Redis of `folder`, or those of them that are wanted.

    A server that runs from the folder already is adopted. `stop()` ends those that this object started, and adopted
    ones whose starter is gone (killed, say); one whose starter lives is left running for it. `durable=False` is for
    tests: PostgreSQL doesn't wait for the disk and the broker keeps nothing. It counts for servers started here only.
    """

    def __init__(
        self,
        folder: Path,
        *,
        postgres: bool = True,
        cache: bool = True,
        broker: bool = True,
        durable: bool = True,
        say: Callable[[str], object] = logger.info,
    ) -> None:
        self.layout: Layout = locate(folder)
        self._wanted = {"postgres": postgres, "cache": cache, "broker": broker}
        self._durable = durable
        self._say = say
        self._servers: list[Server] = []

    @property
    def addresses(self) -> Addresses:
        """The addresses as of now: the password exists once PostgreSQL was started for the first time."""
        return self.layout.addresses()

    def start(self) -> Addresses:
        """Have all wanted services answer, started side by side; nothing more where they do already.

        Raises a ServiceError, and then leaves none of its own running.
        """
        if not any(self._wanted.values()):
            return self.addresses
        self._prepare()
        lock = Lock(self.layout.home / "start.lock")
        if not lock.take(TURN_LIMIT_S):
            raise BusyError(f"Another process has been starting the services in {self.layout.home} for too long.")
        with ExitStack() as undo:
            undo.callback(lock.release)
            undo.callback(self.stop)
            self._start_all()
            undo.pop_all()
        lock.release()
        return self.addresses

    def stop(self) -> None:
        """Stop what this object owns, side by side; nothing to do when that is nothing."""
        if self._servers:
            with ThreadPoolExecutor(len(self._servers)) as pool:
                list(pool.map(lambda server: server.stop(), self._servers))

    def check(self) -> tuple[str, ...]:
        """The names of the wanted services that don't answer: none when all is well, all of them before start()."""
        started = {server.name: server for server in self._servers}
        wanted = [name for name, is_wanted in self._wanted.items() if is_wanted]
        return tuple(name for name in wanted if name not in started or not started[name].is_answering())

    def revive(self) -> tuple[str, ...]:
        """Start again those whose process has ended, and name them. Raises a ServiceError when one can't be."""
        ended = tuple(server.name for server in self._servers if server.running() is None)
        if ended:
            self.start()
        return ended

    def trim_logs(self) -> None:
        """Keep the servers' logs within their bound; call it now and then in a long-lived process."""
        for server in self._servers:
            server.log.trim()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _prepare(self) -> None:
        """Make the folders and name the servers."""
        layout, account = self.layout, service_account()
        if layout.has_moved:
            self._say(f"The services' account can't reach {layout.asked}: their data lives in {layout.home}.")
        with explaining(layout.home):
            layout.home.mkdir(mode=0o755, parents=True, exist_ok=True)
            if account.switches:
                # Whatever our umask is, the account must get through; it need not be able to list.
                for folder in (layout.home, *([layout.home.parent] if layout.has_moved else [])):
                    folder.chmod(folder.stat().st_mode & 0o7777 | 0o711)
        account.own_folder(layout.sockets)
        if not self._servers:
            made: dict[str, Server] = {
                "postgres": Postgres(layout, account, durable=self._durable),
                "cache": Cache(layout, account, durable=self._durable),
                "broker": Broker(layout, account, durable=self._durable),
            }
            self._servers = [server for name, server in made.items() if self._wanted[name]]

    def _start_all(self) -> None:
        # One after the other: a copy that one thread writes can't be run by another, nor while another forks.
        for server in self._servers:
            server.program()
        with ThreadPoolExecutor(len(self._servers)) as pool:
            for done in [pool.submit(server.start) for server in self._servers]:
                done.result()
