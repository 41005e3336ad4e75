"""What a process counts between two transitions: each thread for itself, so that a call takes no lock.

Whoever counts holds the era in which the call began. An outcome of an earlier era so never judges a later one.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from dataclasses import dataclass
from typing import Final

from monitoring.breakers.counts.window import Window
from monitoring.breakers.policy import Policy

SAMPLES: Final = 5  # failures that are told with a flush


@dataclass(slots=True)
class Counts:
    """Calls by outcome; slow ones are among the ok and the failed."""

    ok: int = 0
    failed: int = 0
    slow: int = 0
    rejected: int = 0

    def take(self) -> Counts:
        """What has been counted, beginning again at nothing."""
        taken = Counts(self.ok, self.failed, self.slow, self.rejected)
        self.ok = self.failed = self.slow = self.rejected = 0
        return taken

    def add(self, other: Counts) -> None:
        self.ok += other.ok
        self.failed += other.failed
        self.slow += other.slow
        self.rejected += other.rejected

    def __bool__(self) -> bool:
        return bool(self.ok or self.failed or self.slow or self.rejected)


@dataclass(frozen=True, slots=True)
class Sample:
    """A failure to show: when (monotonic), why (no text of anybody), how long it took, and in which request."""

    at: float
    why: str
    took_s: float
    request_id: str


class _Life:
    """Lives as long as its thread."""

    __slots__ = ("__weakref__",)


class _Tally:
    """What one thread counted: only grows, and only its thread writes it."""

    __slots__ = ("ok", "rejected")

    def __init__(self) -> None:
        self.ok = 0
        self.rejected = 0


class Mine(threading.local):
    """The current thread's tally of an era."""

    def __init__(self, era: Era) -> None:
        self.tally = _Tally()
        self.life = _Life()
        self.era = era
        era.join(weakref.ref(self.life), self.tally)


class Era:
    """The time of one version of a breaker, as this process sees it."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.lock = threading.RLock()  # reentrant: a signal handler may count while its thread does
        self._tallies: list[tuple[weakref.ref[_Life], _Tally]] = []
        self._ended = _Tally()  # of threads that are gone
        self._folded_ok = self._folded_rejected = 0
        self._ok_before_run = 0
        self._run = 0
        self.window = Window()
        self.unsent = Counts()
        self.unmeasured = Counts()
        self.samples: deque[Sample] = deque(maxlen=SAMPLES)
        self.mine = Mine(self)

    def join(self, life: weakref.ref[_Life], tally: _Tally) -> None:
        with self.lock:
            self._tallies.append((life, tally))

    def fold(self, policy: Policy, now: float) -> None:
        """Takes what the threads have counted since the last time into the window and the counts to be sent."""
        with self.lock:
            ok, rejected = self._totals()
            if (ok, rejected) == (self._folded_ok, self._folded_rejected):
                self.window.slide(policy, now)
                return
            new = Counts(ok=ok - self._folded_ok, rejected=rejected - self._folded_rejected)
            self._folded_ok, self._folded_rejected = ok, rejected
            self._note(policy, now, new)

    def fail(self, policy: Policy, now: float, sample: Sample, *, is_slow: bool) -> None:
        """Counts a failed call."""
        with self.lock:
            self.fold(policy, now)
            self._run = self.run + 1
            self._ok_before_run = self._folded_ok
            self.samples.append(sample)
            self._note(policy, now, Counts(failed=1, slow=int(is_slow)))

    def drag(self, policy: Policy, now: float) -> None:
        """Counts a call that succeeded slowly; whoever calls has counted its success."""
        with self.lock:
            self.fold(policy, now)
            self._note(policy, now, Counts(slow=1))

    @property
    def run(self) -> int:
        """The failures in a row, as far as folded: those after the last success."""
        return self._run if self._folded_ok == self._ok_before_run else 0

    def take_unsent(self) -> tuple[Counts, list[Sample]]:
        """What the store has not been told. It may get lost on the way, and is never told twice."""
        with self.lock:
            samples = list(self.samples)
            self.samples.clear()
            return self.unsent.take(), samples

    def _note(self, policy: Policy, now: float, new: Counts) -> None:
        self.window.add(policy, now, ok=new.ok, failed=new.failed, slow=new.slow)
        if new:
            self.unsent.add(new)
            self.unmeasured.add(new)

    def _totals(self) -> tuple[int, int]:
        ok, rejected = self._ended.ok, self._ended.rejected
        living = []
        for life, tally in self._tallies:
            has_ended = life() is None  # asked before reading: a thread that ends later is read again
            ok += tally.ok
            rejected += tally.rejected
            if has_ended:
                self._ended.ok += tally.ok
                self._ended.rejected += tally.rejected
            else:
                living.append((life, tally))
        self._tallies = living
        return ok, rejected
