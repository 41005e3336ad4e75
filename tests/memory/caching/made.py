"""Builders: caches of their own over the run's Redis, or over one that a test may stop."""

from __future__ import annotations

import itertools
import socket
import threading
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from memory.caching.cache import Cache
from memory.caching.policy import Policy
from memory.caching.store.link import Link
from monitoring.metrics import record

_number = itertools.count(1)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += seconds


def make_link(url: str | None = None, **options: Any) -> Link:
    return Link(url or settings.REDIS_URL, **options)


def make_cache(link: Link | None = None, *, clock: Clock | None = None, **policy: Any) -> Cache:
    """A cache of a name that no other test has."""
    fields: dict[str, Any] = {"name": f"made-{next(_number)}", "title": "Made", "ttl_s": 60.0, "entries": 100}
    return Cache(Policy(**fields | policy), link or make_link(), clock=clock or Clock())


def listen(cache: Cache) -> list[str]:
    """The names of the commands that the cache asks one by one from now on."""
    asked: list[str] = []
    ask = cache.link.ask

    def heard(*command: Any) -> Any:
        asked.append(command[0])
        return ask(*command)

    cache.link.ask = heard  # type: ignore[method-assign]
    return asked


def counted(cache: Cache, what: str) -> float:
    """What this process's thread counted of a cache since it began."""
    return record._maps.counters.get(f"cache.{cache.policy.name}.{what}", 0)


class Road:
    """A TCP road to the run's Redis that can be closed (refused), made to hang (swallowed), and opened again."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._is_open, self._hangs = True, False
        self._pairs: list[socket.socket] = []
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Refuse whoever comes, and drop who is there."""
        self._is_open = False
        self._drop()

    def hang(self) -> None:
        """Take what is sent, and answer nothing."""
        self._hangs = True

    def open(self) -> None:
        self._is_open, self._hangs = True, False

    def shut(self) -> None:
        """The end of the road."""
        self.close()
        self._listener.close()

    def _drop(self) -> None:
        for each in self._pairs:
            # shutdown wakes the thread that reads it
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._pairs.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            if not self._is_open:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(urlsplit(settings.REDIS_URL).path)
            self._pairs += [client, server]
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=pair, daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                if not self._hangs:
                    target.sendall(data)
        except OSError:
            pass  # the other side is gone: so is this one
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
