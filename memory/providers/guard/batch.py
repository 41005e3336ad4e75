"""Small embedding requests that several threads make within milliseconds are one request."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memory.providers.base import ProviderError, ProviderRefusedError
from memory.providers.guard.deadline import Deadline
from memory.providers.guard.flights import share
from memory.providers.guard.guard import Guard
from memory.providers.guard.measure import Reply

Rows = NDArray[np.float32]

WAIT_S: Final = 0.003
ALONE_S: Final = 1.0  # a thread that was alone for this long does not wait for company
STALE_S: Final = 0.5
SMALL: Final = 16  # texts; a larger request goes alone
MOST: Final = 128  # texts in one request of several callers


@dataclass(slots=True)
class _Batch:
    """Texts by their place in the request, and who waits for which."""

    deadline: Deadline
    opened_at: float
    places: dict[str, int] = field(default_factory=dict)
    waiting: list[tuple[list[int], Future[Rows]]] = field(default_factory=list)
    full: threading.Event = field(default_factory=threading.Event)

    def add(self, texts: Sequence[str]) -> Future[Rows]:
        rows: Future[Rows] = Future()
        self.waiting.append(([self.places.setdefault(text, len(self.places)) for text in texts], rows))
        return rows


class EmbeddingBatcher:
    """Joins the requests of this process's threads, each of which waits at most `wait_s` for the others.

    `send` embeds texts with one request, as `Guard.call` wants it: a Reply of one row per text, in order.
    """

    def __init__(
        self,
        guard: Guard,
        send: Callable[[Sequence[str], Deadline], Reply[Rows]],
        *,
        wait_s: float = WAIT_S,
        small: int = SMALL,
        most: int = MOST,
    ) -> None:
        self._guard = guard
        self._send = send
        self._wait_s = wait_s
        self._small = small
        self._most = most
        self._lock = threading.Lock()
        self._open: _Batch | None = None
        self._last_thread = 0
        self._company_until = float("-inf")

    def embed(self, texts: Sequence[str]) -> Rows:
        """One row per text, not to be changed. Raises what `Guard.call` raises."""
        if not 0 < len(texts) <= self._small or not self._has_company():
            return self._alone(texts, self._guard.deadline())
        with self._lock:
            leads, batch = self._place(len(texts))
            rows = batch.add(texts)
            if len(batch.places) >= self._most:
                batch.full.set()
        if leads:
            self._lead(batch)
        try:
            return share(rows, batch.deadline)
        except CancelledError:
            return self._alone(texts, batch.deadline)  # the leader was interrupted
        except ProviderRefusedError:
            if len(batch.waiting) == 1:
                raise
            return self._alone(texts, batch.deadline)  # perhaps it was another's text

    def _has_company(self) -> bool:
        """Whether other threads embed these days: one that is alone would wait for nobody."""
        now, thread = self._guard.clock.now(), threading.get_ident()
        with self._lock:
            if thread != self._last_thread:
                self._last_thread, self._company_until = thread, now + ALONE_S
            return now < self._company_until

    def _place(self, texts: int) -> tuple[bool, _Batch]:
        """The open batch if it has room, else a new one that the caller leads. Under the lock."""
        batch = self._open
        now = self._guard.clock.now()
        # one whose leader was interrupted before it led is left alone
        if batch is not None and now - batch.opened_at < self._wait_s + STALE_S:
            if not batch.full.is_set() and len(batch.places) + texts <= self._most:
                return False, batch
            batch.full.set()
        self._open = batch = _Batch(self._guard.deadline(), now)
        return True, batch

    def _lead(self, batch: _Batch) -> None:
        """Waits for others, asks for all, and hands out the rows."""
        try:
            batch.full.wait(self._wait_s)
            self._close(batch)
            rows = self._alone(list(batch.places), batch.deadline)
        except ProviderError as problem:
            for _, waiting in batch.waiting:
                waiting.set_exception(problem)
            return
        except BaseException:
            self._close(batch)
            for _, waiting in batch.waiting:
                waiting.cancel()
            raise
        for places, waiting in batch.waiting:
            waiting.set_result(rows[places])
        self._guard.measure.count("coalesced", len(batch.waiting) - 1)

    def _close(self, batch: _Batch) -> None:
        with self._lock:
            if self._open is batch:
                self._open = None

    def _alone(self, texts: Sequence[str], deadline: Deadline) -> Rows:
        return self._guard.call(
            lambda left: self._send(texts, left), operation="embed", key=digest(texts), deadline=deadline
        )


def digest(texts: Sequence[str]) -> bytes:
    """The same for the same texts in the same order only."""
    found = hashlib.blake2b(digest_size=16)
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        found.update(len(encoded).to_bytes(8, "little") + encoded)
    return found.digest()
