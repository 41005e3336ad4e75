"""How often a key may ask: a token bucket for each key in each process, so that no evaluation waits for Redis."""

from __future__ import annotations

import threading
from typing import Final

KEYS: Final = 10_000
BURST_S: Final = 1.0  # a bucket holds what a second brings


class TooOftenError(Exception):
    """`retry_after_s` says when there is a token again."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"This key asks too often: wait {retry_after_s:.2f} s, or evaluate all flags in one request.")
        self.retry_after_s = retry_after_s


class Limit:
    def __init__(self) -> None:
        self._full: dict[str, float] = {}  # when each bucket is full again
        self._lock = threading.Lock()

    def take(self, key: str, *, per_s: float, now: float) -> None:
        """Raises TooOftenError when the key's bucket is empty."""
        one_s = 1 / per_s
        with self._lock:
            full = max(now, self._full.get(key, now))
            wait_s = full + one_s - max(BURST_S, one_s) - now
            if wait_s > 1e-9:
                raise TooOftenError(wait_s)
            if len(self._full) >= KEYS:
                self._full = {name: until for name, until in self._full.items() if until > now}
            self._full[key] = full + one_s

    def forget(self) -> None:
        self._full.clear()
