"""The HTTP server of the simulated provider: bounded connections, and an end that waits for none."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from contextlib import suppress
from http.server import ThreadingHTTPServer
from typing import Any, Final, Self

from memory.providers.simulator.handler import Handler
from memory.providers.simulator.knobs import Knobs
from memory.providers.simulator.traffic import Seen, Traffic

log = logging.getLogger(__name__)

MOST_CONNECTIONS: Final = 256
STOP_S: Final = 2.0
LOOPBACK: Final = "127.0.0.1"


class Server(ThreadingHTTPServer):
    """Listens from its making; `serve_forever` answers. `key`: the one that requests must carry, any where empty."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], traffic: Traffic, *, key: str = "") -> None:
        self.traffic = traffic
        self.key = key
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._opening = threading.Condition()
        super().__init__(address, Handler)

    @property
    def url(self) -> str:
        """The base address, without the /v1."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def open_connections(self) -> int:
        return len(self._open)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._opening:
            is_full = len(self._open) >= MOST_CONNECTIONS or self.stopping.is_set()
            if not is_full:
                self._open.add(request)
        if is_full:
            self.traffic.count("connections.refused")
            self.shutdown_request(request)
            return
        self.traffic.count("connections")
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._opening:
            self._open.discard(request)
            self._opening.notify_all()
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Count it; a client that goes away in the midst is no error of ours, anything else is and is logged."""
        self.traffic.count("connections.broken")
        problem = sys.exception()
        if not isinstance(problem, OSError):
            log.error("event=simulator_failed error=%s", type(problem).__name__)

    def stop(self) -> None:
        """End all connections, also those whose answer hangs."""
        self.stopping.set()
        self.shutdown()
        with self._opening:
            for request in self._open:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)
            self._opening.wait_for(lambda: not self._open, timeout=STOP_S)
        self.server_close()


class Simulator:
    """A simulated provider in a thread of this process, from entering to leaving; it remembers what it was asked.

    `url` is the base address (`/v1` is `api_url`), `set(error_rate=1.0)` turns knobs, `requests` what came so far.
    """

    def __init__(self, knobs: Knobs | None = None, *, key: str = "", port: int = 0, seed: int | None = None) -> None:
        self._traffic = Traffic(knobs or Knobs(), remembers=True, seed=seed)
        self._server = Server((LOOPBACK, port), self._traffic, key=key)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self._thread.join()

    @property
    def url(self) -> str:
        """The base address, without the /v1."""
        return self._server.url

    @property
    def api_url(self) -> str:
        """The base address of an OpenAI-compatible client."""
        return f"{self._server.url}/v1"

    @property
    def mcp_url(self) -> str:
        """The address of the MCP server."""
        return f"{self._server.url}/mcp"

    @property
    def open_connections(self) -> int:
        return self._server.open_connections

    @property
    def knobs(self) -> Knobs:
        return self._traffic.knobs

    @property
    def requests(self) -> list[Seen]:
        """The requests so far, oldest first, at most the last 1000."""
        return list(self._traffic.seen)

    @property
    def counts(self) -> dict[str, int]:
        """All counts, as /stats shows them."""
        counts: dict[str, int] = self._traffic.stats()["counts"]
        return counts

    def set(self, **changes: Any) -> Knobs:
        """Turn knobs. Raises KnobError."""
        return self._traffic.turn(changes)
