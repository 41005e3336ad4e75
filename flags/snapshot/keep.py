"""The snapshot that this process evaluates by, and the rule by which another replaces it: versions only go up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import SynchronousOnlyOperation
from django.db import Error, transaction

from flags.snapshot.compiled import Snapshot
from flags.snapshot.load import defaults, load
from monitoring import metrics

AWAY: Final = "flags.load_failed"  # counted
# An async caller can't be made to wait for PostgreSQL: the keeper reads for it
UNREADABLE: Final = (Error, SynchronousOnlyOperation)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Applied:
    """That this process took a version: when, and how long after it was announced, where that is known."""

    version: int
    at: float
    took_ms: float | None


class Kept:
    """What a process knows. It is provisional while PostgreSQL could not be read, or what was read may be undone."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.applied: Applied | None = None
        self.is_provisional = False
        self._last: Snapshot | None = None  # what is better than nothing after `forget`
        self._confirmed = time.monotonic()
        self._era = 0
        self._swapping = threading.Lock()
        self._asking = threading.Lock()

    def first(self) -> Snapshot:
        """Reads for a process that knows nothing. With PostgreSQL away, what was known last, else the catalogue."""
        with self._asking:
            while (known := self.snapshot) is None:
                if not self.refresh():
                    self._make_do()
            return known

    def refresh(self, took_ms: Callable[[], float] | None = None) -> bool:
        """Reads, and swaps unless something newer is known by now; False when PostgreSQL can't be read."""
        era = self._era
        connection = transaction.get_connection()
        is_open = connection.in_atomic_block
        try:
            # within a savepoint a failure leaves the caller's transaction whole
            with transaction.atomic() if is_open else nullcontext():
                read = load()
        except UNREADABLE as problem:
            metrics.count(AWAY)
            if not self.is_provisional:
                logger.warning("event=flags_not_read error=%s", type(problem).__name__)
            return False
        with self._swapping:
            if era == self._era:
                self._swap(read, is_provisional=is_open, took_ms=took_ms)
        return True

    def _make_do(self) -> None:
        with self._swapping:
            if self.snapshot is None:
                self.snapshot, self.is_provisional = self._last or defaults(), True

    def _swap(self, read: Snapshot, *, is_provisional: bool, took_ms: Callable[[], float] | None) -> None:
        known = self.snapshot
        if known is not None and read.version < known.version and not self.is_provisional:
            return
        self.snapshot = self._last = read
        self.is_provisional = is_provisional
        self._confirmed = time.monotonic()
        if self.applied is None or self.applied.version != read.version:
            self.applied = Applied(read.version, time.time(), took_ms() if took_ms else None)

    def has(self, version: int) -> bool:
        """Whether that version, or a later one, is known for sure."""
        return self.snapshot is not None and self.snapshot.version >= version and not self.is_provisional

    def confirm(self) -> None:
        """Somebody who must know has said that there is nothing newer."""
        self._confirmed = time.monotonic()

    def age_s(self) -> float:
        """Since when nobody has said that this is what holds."""
        return time.monotonic() - self._confirmed

    def forget(self) -> None:
        """Has the next question read anew, whatever its version; what is being read now comes too late."""
        with self._swapping:
            self._era += 1
            self.snapshot, self.is_provisional = None, False

    def fork(self) -> Kept:
        """What a forked child begins with: none of the locks, and what was known last only for want of better."""
        child = Kept()
        child._last = self.snapshot or self._last
        return child
