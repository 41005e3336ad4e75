"""The two embedded Redis servers: a cache that forgets, and a broker that doesn't."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import ClassVar

from holdfast.embedded.account import Account
from holdfast.embedded.binaries import redis_program
from holdfast.embedded.folder import Layout
from holdfast.embedded.server import Server

ANSWER_LIMIT_S = 2.0


class Redis(Server):
    """A Redis on a unix socket, without a TCP port."""

    pid_file_name = "redis.pid"
    stop_steps = ((SIGTERM, 5.0), (SIGKILL, 3.0))

    def __init__(self, layout: Layout, account: Account, *, durable: bool) -> None:
        super().__init__(layout, account)
        self.socket = layout.socket(self.name)
        self._durable = durable

    @property
    def mark(self) -> str:
        # Redis rewrites its title to its program and where it listens.
        return str(self.socket)

    def prepare(self) -> None:
        """Nothing: Redis makes its own files, and removes a socket that was left behind."""

    def program(self) -> Path:
        return redis_program(self.layout.home, for_other_account=self.account.switches)

    def command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "protected-mode": "yes",
            "dir": str(self.data),
            "pidfile": str(self.data / self.pid_file_name),
            "daemonize": "no",
            "loglevel": "warning",
            "logfile": "",
            "save": "",
        } | self.memory()
        return [str(self.program()), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def memory(self) -> dict[str, str]:
        """The options about what is kept, and where."""
        raise NotImplementedError

    def is_answering(self) -> bool:
        """Whether it says PONG; while it loads its file it says LOADING."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(ANSWER_LIMIT_S)
                connection.connect(os.fsencode(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


class Cache(Redis):
    """Forgets what was used least when 256 MB are full, and everything when it ends."""

    name: ClassVar[str] = "cache"

    def memory(self) -> dict[str, str]:
        return {"maxmemory": "256mb", "maxmemory-policy": "allkeys-lru", "appendonly": "no"}


class Broker(Redis):
    """Never drops a message for lack of room, and keeps its queues over a restart when durable."""

    name: ClassVar[str] = "broker"

    def memory(self) -> dict[str, str]:
        return {"maxmemory-policy": "noeviction", "appendonly": "yes" if self._durable else "no"}
