"""What a breaker costs: closed beside a bare call and pybreaker, and refusing when open: `python -m bench.breakers`.

Part of `make bench-pipeline`. Wall time in one thread, chunks of all measures in turns; a shared machine only adds to
it. Our counts are flushed by the keeper's thread while this runs, as in production.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pybreaker
import redis

from bench import ready as ready
from bench import server
from monitoring import breakers
from monitoring.breakers import Breaker, OpenError, Policy
from monitoring.breakers.shared.store import Ask, Store

ROUNDS = 60
FAST, SLOW = 4_000, 100  # calls a chunk: in memory, through Redis
CLOSED_US, REFUSED_US = 0.5, 1000.0
BARE, CLOSED, REFUSED = "bare call", "Holdfast: call", "Holdfast: call"
Measures = dict[str, tuple[int, Callable[[int], None]]]


def work() -> None:
    """What is protected."""


def repeat(call: Callable[[], object]) -> Callable[[int], None]:
    """A loop with as little around the call as Python allows, the same for all."""

    def loop(times: int) -> None:
        for _ in range(times):
            call()

    return loop


def closed(url: str) -> Measures:
    breaker = breakers.register("bench", title="Bench", policy=Policy(slow_s=5, slow_rate=0.5))
    memory = pybreaker.CircuitBreaker(fail_max=5)
    shared = pybreaker.CircuitBreaker(fail_max=5, state_storage=_storage(url, "bench-closed"))

    def guarded(times: int) -> None:
        for _ in range(times):
            with breaker.guard():
                work()

    def admitted(times: int) -> None:
        for _ in range(times):
            permit = breaker.admit()
            work()
            permit.succeed()

    return {
        BARE: (FAST, repeat(partial(work))),
        CLOSED: (FAST, repeat(partial(breaker.call, work))),
        "Holdfast: with guard()": (FAST, guarded),
        "Holdfast: admit, succeed": (FAST, admitted),
        "pybreaker in memory": (FAST, repeat(partial(memory.call, work))),
        "pybreaker on Redis": (SLOW, repeat(partial(shared.call, work))),
    }


def refusing(url: str) -> Measures:
    breaker = breakers.register("bench-open", title="Bench", policy=Policy(open_s=3600, open_limit_s=3600))
    breaker.admit().trip("shut for the benchmark")
    memory = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=3600)
    shared = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=3600, state_storage=_storage(url, "bench-open"))
    memory.open()
    shared.open()
    return {
        REFUSED: (FAST, repeat(partial(_refused, breaker))),
        "pybreaker in memory": (FAST, repeat(partial(_refused_there, memory))),
        "pybreaker on Redis": (SLOW, repeat(partial(_refused_there, shared))),
    }


def shared_steps(url: str) -> Measures:
    store, card = Store(url, timeout_s=1), breakers.register("bench", title="Bench", policy=Policy()).card
    client = redis.Redis.from_url(url)
    sync = Ask("sync", "bench-steps", 0, card, False, (0, 100, 0, 0, 0, 0, ""))
    return {
        "raw redis-py PING": (SLOW, repeat(client.ping)),
        "state.lua: counts told": (SLOW, repeat(partial(store.ask, sync))),
    }


def run(of: Measures) -> dict[str, list[float]]:
    """Microseconds a call, a figure for each chunk, sorted."""
    took: dict[str, list[float]] = {name: [] for name in of}
    for _ in range(ROUNDS):
        for name, (calls, loop) in of.items():
            began = time.perf_counter()
            loop(calls)
            took[name].append((time.perf_counter() - began) / calls * 1e6)
    return {name: sorted(times) for name, times in took.items()}


def report(url: str) -> bool:
    """Print a table; whether a closed breaker and a refusal keep their promises."""
    print(f"{ROUNDS} interleaved rounds in one thread, microseconds a call")
    took = _table("closed", run(closed(url)))
    cost = _at(took[CLOSED], 0.5) - _at(took[BARE], 0.5)
    refusal = _table("open: refused", run(refusing(url)))[REFUSED]
    _table("shared state", run(shared_steps(url)))
    is_kept = cost < CLOSED_US and _at(refusal, 0.95) < REFUSED_US
    promise = f"closed {cost:.2f} µs more than a bare call (< {CLOSED_US}), refused < 1 ms"
    print(f"{promise}: {'kept' if is_kept else 'missed'}")
    return is_kept


def main() -> None:
    server.on_redis("bench.breakers", report)


def _table(head: str, took: dict[str, list[float]]) -> dict[str, list[float]]:
    print(f"{head:28}{'least':>9}{'median':>9}{'p95':>9}")
    for name, times in took.items():
        print(f"  {name:26}{times[0]:9.3f}{_at(times, 0.5):9.3f}{_at(times, 0.95):9.3f}")
    return took


def _refused(breaker: Breaker) -> None:
    try:
        breaker.call(work)
    except OpenError:
        return
    raise AssertionError("the breaker is not open")


def _refused_there(breaker: pybreaker.CircuitBreaker) -> None:
    try:
        breaker.call(work)
    except pybreaker.CircuitBreakerError:
        return
    raise AssertionError("the breaker is not open")


def _storage(url: str, space: str) -> pybreaker.CircuitRedisStorage:
    return pybreaker.CircuitRedisStorage(pybreaker.STATE_CLOSED, redis.Redis.from_url(url), namespace=space)


def _at(times: list[float], share: float) -> float:
    return times[int(share * (len(times) - 1))]


if __name__ == "__main__":
    main()
