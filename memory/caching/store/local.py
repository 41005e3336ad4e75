"""The first level: values in the process, bounded in number and time, least recently used out first."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence


class Local:
    """A value lives `seconds` at most: what another process invalidates is seen until then."""

    def __init__(self, *, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[float, bytes]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, namespace: str, key: str) -> bytes | None:
        place = (namespace, key)
        with self._lock:
            found = self._kept.get(place)
            if found is None:
                return None
            if found[0] <= self._clock():
                del self._kept[place]
                return None
            self._kept.move_to_end(place)
            return found[1]

    def keep(self, namespace: str, key: str, value: bytes, *, seconds: float | None = None) -> None:
        """`seconds` shortens the life, never lengthens it."""
        until = self._clock() + min(self._seconds, self._seconds if seconds is None else seconds)
        with self._lock:
            self._kept[namespace, key] = (until, value)
            self._kept.move_to_end((namespace, key))
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def forget(self, namespace: str, keys: Sequence[str]) -> None:
        with self._lock:
            for key in keys:
                self._kept.pop((namespace, key), None)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
