"""`python -m bench.quality.latency`: how long `messages/search` takes over HTTP, by how many messages the user has."""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from typing import Final

from bench import client, server
from bench.quality.fill import sentence

SIZES: Final = (600, 5_000, 20_000, 100_000)
ASKED: Final = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    sizes = parser.parse_args().sizes
    print("| messages of the user | least ms | p50 ms | p95 ms |\n|---|---|---|---|")
    with server.services(), server.web(workers=1) as port:
        key = server.manage("api_key", "create", "latency")
        for size in sizes:
            subprocess.run([sys.executable, "-m", "bench.quality.fill", f"user-{size}", str(size)], check=True)
            took = asked(port, key, f"user-{size}")
            p50, p95 = took[len(took) // 2], took[int(len(took) * 0.95)]
            print(f"| {size:,} | {took[0]:.0f} | {p50:.0f} | {p95:.0f} |", flush=True)


def asked(port: int, key: str, user_id: str) -> list[float]:
    """Milliseconds of single searches, one after another, shortest first."""
    pick, took = random.Random(1), []
    for number in range(ASKED + 5):
        query = f"What does {pick.choice(('Ann', 'Bob'))} say of {' '.join(sentence(pick).split()[:5])}?"
        body = json.dumps({"user_id": user_id, "query": query}).encode()
        start = time.perf_counter()
        client.once(client.request("POST", "/api/v1/messages/search", key=key, body=body), port=port)
        if number >= 5:  # the first ones warm up
            took.append((time.perf_counter() - start) * 1000)
    return sorted(took)


if __name__ == "__main__":
    main()
