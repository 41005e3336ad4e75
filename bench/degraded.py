"""What a failing provider does to `context`: the same requests while it answers, while all calls fail, and after.

Part of `make bench-pipeline`. The embedding provider is the simulated one, in a process of its own.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from bench import client, server

CONNECTIONS, ROUNDS, SECONDS, FACTS = 4, 3, 3.0, 200
OPEN_S = 2.0
QUESTION = "Where are the boats, question {}?"


def report() -> None:
    """p50 and p95 of uncached context, medians of interleaved rounds, and how long until it is whole again."""
    with simulator() as url, provider(url):
        key = server.manage("api_key", "create", "degraded")
        with server.web() as port:
            prepare(port, key)
            numbers = itertools.count()
            ask(port, key, numbers, 1.0)  # a warm-up that is not counted
            runs: dict[str, list[client.Run]] = {"healthy": [], "failing": []}
            recovered: list[tuple[float, float]] = []
            for _ in range(ROUNDS):
                runs["healthy"].append(ask(port, key, numbers, SECONDS))
                turn(url, error_rate=1.0)
                runs["failing"].append(ask(port, key, numbers, SECONDS))
                turn(url, error_rate=0.0)
                left_s = open_for_s(port, key)
                recovered.append((recovery_s(port, key, numbers), left_s))
    show(runs, recovered)


def show(runs: dict[str, list[client.Run]], recovered: list[tuple[float, float]]) -> None:
    print(f"uncached context, {CONNECTIONS} connections, medians of {ROUNDS} interleaved rounds of {SECONDS:g} s")
    print(f"{'':12}{'requests/s':>12}{'p50 ms':>9}{'p95 ms':>9}{'errors':>8}")
    for name, done in runs.items():
        rate, p50, p95 = (statistics.median(getattr(r, f) for r in done) for f in ("per_second", "p50_ms", "p95_ms"))
        print(f"{name:12}{rate:12,.0f}{p50:9.2f}{p95:9.2f}{sum(run.errors for run in done):8}")
    pairs = zip(runs["failing"], runs["healthy"], strict=True)
    ratio = statistics.median(bad.p95_ms / good.p95_ms for bad, good in pairs)
    print(f"p95 failing / healthy: {ratio:.2f} (target 1.2 at most)")
    latest_s, was_open_s = max(recovered)
    print(f"whole again {latest_s:.1f} s after the fault's end at the latest; the breaker had {was_open_s:.1f} s left")


def prepare(port: int, key: str) -> None:
    for number in range(FACTS):
        body = {"user_id": "bench", "text": f"Keeps {number} boats in room {number * 7}", "infer": False}
        call(port, key, "memories", body)


def ask(port: int, key: str, numbers: Iterator[int], seconds: float) -> client.Run:
    return client.run(lambda _: _question(key, numbers), port=port, connections=CONNECTIONS, seconds=seconds)


def open_for_s(port: int, key: str) -> float:
    """Seconds until the embedding provider's breaker asks it again."""
    answer = client.once(client.request("GET", "/api/v1/breakers/provider.embedding", key=key), port=port)
    return float(json.loads(answer)["retry_after_s"])


def recovery_s(port: int, key: str, numbers: Iterator[int]) -> float:
    """Seconds until three answers in a row are not degraded."""
    began, whole = time.monotonic(), 0
    while whole < 3:
        answer = json.loads(client.once(_question(key, numbers), port=port))
        whole = 0 if answer["degraded"] else whole + 1
        if time.monotonic() - began > 120:
            raise TimeoutError("still degraded two minutes after the fault's end")
        time.sleep(0.02)
    return time.monotonic() - began


def _question(key: str, numbers: Iterator[int]) -> bytes:
    body = json.dumps({"user_id": "bench", "query": QUESTION.format(next(numbers))}).encode()
    return client.request("POST", "/api/v1/context", key=key, body=body)


def call(port: int, key: str, path: str, body: object) -> None:
    client.once(client.request("POST", f"/api/v1/{path}", key=key, body=json.dumps(body).encode()), port=port)


@contextmanager
def provider(url: str) -> Iterator[None]:
    """The environment of a web server that embeds there."""
    named = {"PROFILE": "compatible", "URL": f"{url}/v1", "MODEL": "simulated-256"}
    more = {f"HOLDFAST_EMBEDDING_{name}": value for name, value in named.items()}
    more |= {"HOLDFAST_PROVIDER_RATE": "100000", "HOLDFAST_PROVIDER_OPEN_S": str(OPEN_S)}
    os.environ |= more
    try:
        yield
    finally:
        for name in more:
            del os.environ[name]


@contextmanager
def simulator() -> Iterator[str]:
    """A simulated provider; its base address."""
    port = server.free_port()
    command = [sys.executable, "-m", "memory.providers.simulator", "--port", str(port)]
    process = subprocess.Popen(command, cwd=server.ROOT, stdout=subprocess.DEVNULL)
    try:
        server.wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def turn(url: str, **knobs: float) -> None:
    body = json.dumps(knobs).encode()
    asked = urllib.request.Request(f"{url}/knobs", data=body, headers={"Content-Type": "application/json"})
    urllib.request.urlopen(asked, timeout=10).close()
