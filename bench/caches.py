"""What the caches cost: hit, miss and put beside raw redis-py on the same Redis, interleaved: `python -m bench.caches`.

Part of `make bench-pipeline`. Wall time in one thread; a shared machine only ever adds to it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import redis

from bench import ready as ready
from bench import server
from memory.caching.cache import Cache
from memory.caching.making import get_or_make
from memory.caching.policy import Policy
from memory.caching.store.link import Link

ROUNDS, CALLS = 40, 100  # of each measure, taken in turns
SIZES = {"2 KB": 2_000, "50 KB": 50_000}
SPACE = "bench:user"
Measures = dict[str, Callable[[], object]]


def value(size: int) -> bytes:
    """JSON of memories, as contexts are."""
    parts = [{"kind": "memory", "id": f"{n:032x}", "text": f"Keeps {n} red boats in room {n * 7}"} for n in range(700)]
    return json.dumps(parts).encode()[:size]


def measures(url: str, size: int) -> Measures:
    """Raw redis-py with the same time-outs, and the cache, on entries of one size."""
    raw = redis.Redis.from_url(url, socket_timeout=0.25, socket_connect_timeout=0.25, max_connections=32)
    content = value(size)
    cache = Cache(Policy(f"bench-{size}", "Bench", ttl_s=300, entries=64), Link(url))
    local = Cache(Policy(f"local-{size}", "Bench", ttl_s=300, entries=64, local_entries=64, local_s=60), Link(url))
    raw.set("raw", content)
    raw.hset("raw-hash", "k", content)
    for each in (cache, local):
        each.keep(SPACE, "k", content)

    def miss() -> None:
        cache.forget(SPACE, "new")
        get_or_make(cache, SPACE, "new", lambda: content)

    return {
        "raw GET": lambda: raw.get("raw"),
        "raw HGET": lambda: raw.hget("raw-hash", "k"),
        "hit": lambda: cache.get(SPACE, "k"),
        "hit with version": lambda: cache.look_up(SPACE, "k"),
        "hit, get_or_make": lambda: get_or_make(cache, SPACE, "k", lambda: content),
        "hit, first level": lambda: local.get(SPACE, "k"),
        "look-up that misses": lambda: cache.look_up(SPACE, "nothing"),
        "raw SET": lambda: raw.set("raw", content, ex=300),
        "put": lambda: cache.keep(SPACE, "k", content),
        "forget, make and keep": miss,
    }


def run(of: Measures) -> dict[str, list[float]]:
    """Seconds of each call, sorted; rounds of all measures in turns."""
    took: dict[str, list[float]] = {name: [] for name in of}
    for _ in range(ROUNDS):
        for name, call in of.items():
            for _ in range(CALLS):
                began = time.perf_counter()
                call()
                took[name].append(time.perf_counter() - began)
    return {name: sorted(times) for name, times in took.items()}


def report(url: str) -> bool:
    """Print a table for each size; whether a hit keeps both its promises: p95 < 1 ms, and at most 1.3 x raw."""
    print(f"{ROUNDS} interleaved rounds of {CALLS} calls in one thread; {url.partition(':')[0]} socket; microseconds")
    is_kept = True
    for title, size in SIZES.items():
        took = run(measures(url, size))
        raw = _at(took["raw GET"], 0.5)
        print(f"{title:24}{'p50':>9}{'p95':>9}{'x raw GET':>11}")
        for name, times in took.items():
            print(f"  {name:22}{_at(times, 0.5):9.1f}{_at(times, 0.95):9.1f}{_at(times, 0.5) / raw:11.2f}")
        is_kept &= _at(took["hit"], 0.95) < 1000 and _at(took["hit"], 0.5) <= 1.3 * raw
    print(f"a hit: p95 < 1 ms and at most 1.3 x raw redis-py: {'kept' if is_kept else 'missed'}")
    return is_kept


def main() -> None:
    server.on_redis("bench.caches", report)


def _at(times: list[float], share: float) -> float:
    """Microseconds."""
    return times[int(share * (len(times) - 1))] * 1e6


if __name__ == "__main__":
    main()
