"""How long a call may take in all: handed down to whoever waits, so that no part starts a time of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds that only go forward, and waiting for them."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM: Final = Clock()
LEAST_S: Final = 0.05  # with less time than this left, asking is of no use


class Deadline:
    """A point on the monotonic clock. One call has one, whatever it tries on the way.

    `held_s`: seconds of it that were spent waiting for turns, which the provider can't be blamed for.
    """

    __slots__ = ("_at", "_clock", "held_s")

    def __init__(self, timeout_s: float, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._at = clock.now() + timeout_s
        self.held_s = 0.0

    def left_s(self) -> float:
        """Seconds until it, 0 when it has passed."""
        return max(0.0, self._at - self._clock.now())

    @property
    def expired(self) -> bool:
        return self._clock.now() >= self._at

    def renew(self, timeout_s: float, *, until: Deadline) -> None:
        """Starts again with `timeout_s`, but never beyond `until`: for streams, where each piece has its own wait."""
        self._at = min(self._clock.now() + timeout_s, until._at)
