"""What processes tell each other of flags through Redis: that there is a new version, and that they have it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from math import inf
from typing import Any, Final

import redis
from redis.client import PubSub

from monitoring.metrics.flush import connect

KEY: Final = "flags:version"
CHANNEL: Final = "flags:changed"
RECEIPTS: Final = "flags:receipts"
RECEIPTS_S: Final = 60  # kept after the last process has told
ALIVE_S: Final = 15.0  # since a process last told
PROCESSES: Final = 1000  # that are listed


@dataclass(frozen=True, slots=True)
class News:
    """That the flagset has a version; `at` is when it was told, by Redis' clock."""

    version: int
    at: float
    text: str

    @classmethod
    def read(cls, text: bytes | None) -> News | None:
        """None for what nobody of ours has written."""
        version, _, at = (text or b"").decode("ascii", "replace").partition(" ")
        try:
            return cls(int(version), float(at), f"{version} {at}")
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a process has a version. `took_ms` is from the announcement to the swap; None where it heard of none."""

    process: str
    kind: str
    version: int
    applied_at: datetime
    took_ms: float | None


class Post:
    """One process's way to Redis. Every method but `close` may raise redis.RedisError, soon."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url)
        self._listening: PubSub | None = None
        self._ahead_s = 0.0  # Redis' clock before ours

    def announce(self, version: int) -> News:
        """Tells all processes, and whoever asks later."""
        seconds, micros = self._redis.time()
        at = seconds + micros / 1e6
        text = f"{version} {at:.6f}"
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(KEY, text)
            pipe.publish(CHANNEL, text)
            pipe.execute()
        return News(version, at, text)

    def wait(self, timeout_s: float) -> News | None:
        """The next announcement, if there is one before the time is up."""
        if self._listening is None:
            self._listening = self._redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
            self._listening.subscribe(CHANNEL)
        message = self._listening.get_message(timeout=timeout_s)
        return News.read(message["data"]) if message else None

    def latest(self) -> News | None:
        """The last announcement, as far as Redis remembers."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.get(KEY)
            pipe.time()
            text, (seconds, micros) = pipe.execute()
        self._ahead_s = seconds + micros / 1e6 - time.time()
        return News.read(text)

    def since_ms(self, news: News) -> float:
        """Milliseconds from the announcement until now, by Redis' clock."""
        return max(0.0, (time.time() + self._ahead_s - news.at) * 1000)

    def tell(self, receipt: Receipt, *, now: float) -> None:
        """Leaves a receipt; it counts until ALIVE_S after the last time."""
        told = asdict(receipt) | {"applied_at": receipt.applied_at.isoformat(), "seen": now}
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(RECEIPTS, receipt.process, json.dumps(told))
            pipe.expire(RECEIPTS, RECEIPTS_S)
            pipe.execute()

    def leave(self, process: str) -> None:
        """The process ends: it is no longer waited for."""
        self._redis.hdel(RECEIPTS, process)

    def receipts(self, now: float) -> list[Receipt]:
        """Of the processes that live; those of others are removed."""
        told: dict[bytes, bytes] = self._redis.hgetall(RECEIPTS)  # type: ignore[assignment]
        found, gone = [], []
        for process, text in told.items():
            written = json.loads(text)
            if now - written["seen"] > ALIVE_S:
                gone.append(process)
            else:
                found.append(_receipt(written))
        if gone:
            self._redis.hdel(RECEIPTS, *gone)
        return sorted(found, key=_slowness)[:PROCESSES]

    def close(self) -> None:
        """Forgets a connection that is of no use any more."""
        listening, self._listening = self._listening, None
        try:
            if listening is not None:
                listening.close()
            self._redis.close()
        except redis.RedisError:
            pass  # it was lost already


def _receipt(written: Mapping[str, Any]) -> Receipt:
    fields = {name: written[name] for name in ("process", "kind", "version", "took_ms")}
    return Receipt(**fields, applied_at=datetime.fromisoformat(written["applied_at"]))


def _slowness(receipt: Receipt) -> tuple[int, float, str]:
    """Who has the oldest version comes first, then who took the longest."""
    return receipt.version, inf if receipt.took_ms is None else -receipt.took_ms, receipt.process
