"""A load generator: keep-alive connections that each send the next request when the last is answered."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """What one run measured: answers per second, latencies in milliseconds, answers that were not 2xx."""

    per_second: float
    p50_ms: float
    p95_ms: float
    errors: int


def request(method: str, path: str, *, key: str = "", body: bytes = b"") -> bytes:
    """The request as it goes over the wire."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def run(make: Callable[[int], bytes], *, port: int, connections: int, seconds: float) -> Run:
    """Send `make(n)` for n = 0, 1, 2 … over that many connections for that long."""
    return asyncio.run(_run(make, port, connections, seconds))


def once(sent: bytes, *, port: int) -> bytes:
    """One request on a connection of its own; the body of its answer. Raises RuntimeError unless it is 2xx."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)
        received = b""
        while True:
            received += connection.recv(65536)
            head, found, body = received.partition(b"\r\n\r\n")
            if found and len(body) >= length(head):
                break
    if not head.startswith(b"HTTP/1.1 2"):
        raise RuntimeError(f"{head.splitlines()[0]!r}: {body[:500]!r}")
    return body


async def _run(make: Callable[[int], bytes], port: int, connections: int, seconds: float) -> Run:
    started = time.perf_counter()
    clients = [_Client(make, n, connections, started + seconds) for n in range(connections)]
    loop = asyncio.get_running_loop()
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*(client.done for client in clients))
    took = time.perf_counter() - started
    latencies = sorted(ms for client in clients for ms in client.latencies)
    if not latencies:
        raise RuntimeError("The server answered nothing.")
    errors = sum(client.errors for client in clients)
    p50, p95 = (latencies[int(len(latencies) * q)] for q in (0.50, 0.95))
    return Run(len(latencies) / took, p50, p95, errors)


class _Client(asyncio.Protocol):
    def __init__(self, make: Callable[[int], bytes], first: int, step: int, until: float) -> None:
        self._make, self._number, self._step, self._until = make, first, step, until
        self._buffer = b""
        self.latencies: list[float] = []
        self.errors = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or len(body) < length(head):
            return
        now = time.perf_counter()
        self.latencies.append((now - self._sent) * 1000)
        self.errors += not self._buffer.startswith(b"HTTP/1.1 2")
        self._buffer = b""
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        self._transport.write(self._make(self._number))
        self._sent = time.perf_counter()
        self._number += self._step


def length(head: bytes) -> int:
    """What an answer's head says of its body."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
