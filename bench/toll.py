"""What being measured costs a request: the same requests to two servers, one of which records nothing.

Part of `bench.monitoring`. One connection to each, asked in turns, request by request, so that whatever else the
machine does falls on both alike; of each round the medians are compared.
"""

from __future__ import annotations

import itertools
import json
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from bench import client, server

ROUNDS, LEAST = 12, 12  # rounds, and requests of a round at least
TARGET: Final = 0.03
ROUND_S: Final = 0.8  # of each kind, both servers together
USER: Final = "bench"

Make = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Toll:
    """Medians over the rounds: p50 with and without, and the share by which it is more; and how far rounds differ."""

    name: str
    on_ms: float
    off_ms: float
    more: float
    spread: float

    @property
    def row(self) -> tuple[str, ...]:
        shares = (f"{self.more:+.1%}", f"{self.spread:.1%}")
        word = "met" if self.more < TARGET else "**missed**"
        return self.name, f"{self.on_ms:.3f}", f"{self.off_ms:.3f}", *shares, f"< {TARGET:.0%}", word


def measure(key: str) -> list[Toll]:
    with server.web(workers=1) as on, server.web(workers=1, HOLDFAST_METRICS="false") as off:
        kinds = _kinds(on, key)
        with _line(on) as measured, _line(off) as bare:
            for make in kinds.values():  # a warm-up that is not counted
                _round(measured, bare, make)
            rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in kinds}
            for _ in range(ROUNDS):
                for name, make in kinds.items():
                    rounds[name].append(_round(measured, bare, make))
    return [_toll(name, medians) for name, medians in rounds.items()]


def _kinds(port: int, key: str) -> dict[str, Make]:
    """One after the other: what does almost nothing, the hot read, what asks the database, what writes."""

    def call(path: str, body: object) -> dict[str, str]:
        sent = client.request("POST", f"/api/v1/{path}", key=key, body=json.dumps(body).encode())
        return dict(json.loads(client.once(sent, port=port)))

    id = call("conversations", {"user_id": USER})["id"]
    for number in range(20):
        call("memories", {"user_id": USER, "text": f"Keeps {number} boats in room {number * 7}", "infer": False})
    numbers = itertools.count()

    def context(query: str) -> bytes:
        body = json.dumps({"user_id": USER, "conversation_id": id, "query": query}).encode()
        return client.request("POST", "/api/v1/context", key=key, body=body)

    bare, cached = client.request("GET", "/bare/hello"), context("Where are the boats?")
    listing = client.request("GET", f"/api/v1/memories?user_id={USER}&state=active", key=key)
    return {
        "bare (ninja + pydantic)": lambda: bare,
        "context, cached": lambda: cached,
        "list memories": lambda: listing,
        "context, uncached": lambda: context(f"Where are the boats, question {next(numbers)}?"),
    }


def _round(measured: Line, bare: Line, make: Make) -> tuple[float, float]:
    """The two medians of a second's requests; who is asked first alternates."""
    on: list[float] = []
    off: list[float] = []
    until = time.perf_counter() + ROUND_S
    while time.perf_counter() < until or len(on) < LEAST:
        on.append(measured.ask(make()))
        off.append(bare.ask(make()))
        off.append(bare.ask(make()))
        on.append(measured.ask(make()))
    return statistics.median(on), statistics.median(off)


def _toll(name: str, medians: list[tuple[float, float]]) -> Toll:
    shares = [on / off - 1 for on, off in medians]
    low, _, high = statistics.quantiles(shares, n=4)
    on_s, off_s = (statistics.median(each) for each in zip(*medians, strict=True))
    return Toll(name, on_s * 1000, off_s * 1000, statistics.median(shares), high - low)


class Line:
    """A keep-alive connection that is asked one request after the other."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def ask(self, sent: bytes) -> float:
        """Seconds until the whole answer is there. Raises RuntimeError unless it is 2xx."""
        began = time.perf_counter()
        self._connection.sendall(sent)
        received = b""
        while True:
            received += self._connection.recv(65536)
            head, found, body = received.partition(b"\r\n\r\n")
            if found and len(body) >= client.length(head):
                break
        took = time.perf_counter() - began
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"{head.splitlines()[0]!r}: {body[:300]!r}")
        return took


@contextmanager
def _line(port: int) -> Iterator[Line]:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Line(connection)
