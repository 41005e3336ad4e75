"""A circuit breaker: calls pass at the price of a few attribute look-ups until it opens, for all processes at once."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from time import perf_counter
from typing import Final, TypeVar

from monitoring import metrics
from monitoring.breakers.counts.era import Era, Sample
from monitoring.breakers.permit import Permit, Probe, ProbePermit
from monitoring.breakers.policy import OpenError, Policy, State, Verdict, every_error_is_a_failure
from monitoring.breakers.shared.link import Link
from monitoring.breakers.shared.store import AwayError, Store
from monitoring.tracing import request_id

T = TypeVar("T")
Classify = Callable[[Exception], Verdict]

UNSENT_FAILURES: Final = 3  # tell the store at once, rather than at the keeper's next round
RETRY_LEAST_S: Final = 0.1  # so that nobody turns in circles
ALONE_S: Final = 2.0  # how long the store must be away before this process probes on its own
WHY_LENGTH: Final = 160
_blank: Final = object.__new__


class Breaker(Link):
    """Make one with `breakers.register` or `Family.of`. All methods may be called from any thread."""

    def __init__(
        self,
        name: str,
        *,
        title: str,
        policy: Policy,
        store: Store,
        fallback_text: str = "",
        classify: Classify = every_error_is_a_failure,
        family: str = "",
        on_first_call: Callable[[str], bool] = lambda name: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_first_call` is given the name, and tells whether it is known to be closed without asking the store."""
        super().__init__(
            name, title=title, policy=policy, store=store, fallback_text=fallback_text, family=family, clock=clock
        )
        self.classify = classify
        self._on_first_call = on_first_call

    def call(self, fn: Callable[[], T]) -> T:
        """What `fn` returns or raises. Raises OpenError instead of calling it while the breaker is open."""
        mine = self._mine
        if mine is None:
            return self._call_watched(fn)
        began = perf_counter()
        try:
            value = fn()
        except BaseException as error:
            Permit(self, mine, began).judge(error)
            raise
        mine.tally.ok += 1
        if perf_counter() - began >= self.slow_s:
            self.note_slow(mine.era)
        return value

    def admit(self) -> Permit:
        """A permit for one call. Raises OpenError."""
        mine = self._mine
        if mine is None:
            return self._admit_watched()
        permit = _blank(Permit)  # its __init__ would take longer than all else here
        permit._breaker = self
        permit._mine = mine
        permit._began = perf_counter()
        return permit

    guard = admit  # `with breaker.guard(): …`: a permit settles itself at the end of its block

    def _call_watched(self, fn: Callable[[], T]) -> T:
        with self.admit():
            return fn()

    def _admit_watched(self) -> Permit:
        if not self._has_begun:
            self._begin()
        seen, now = self._seen, self._clock()
        if not seen.state.lets_pass and now >= seen.ask_at:
            if permit := self._ask_for_permit(now):
                return permit
            seen = self._seen
        if seen.state.lets_pass:
            return Permit(self, self._era.mine, perf_counter())
        self._era.mine.tally.rejected += 1
        raise OpenError(self.name, self.title, max(RETRY_LEAST_S, seen.until - now), seen.state)

    def _begin(self) -> None:
        """The first call in this process: what do the others know?"""
        self._has_begun = True
        if self._on_first_call(self.name):
            with self._lock:
                self._mine = self._era.mine
            return
        try:
            self.apply(self._ask("look"))
        except AwayError:
            self.endure()

    def _ask_for_permit(self, now: float) -> Permit | None:
        id = secrets.token_hex(8)
        try:
            answer = self._ask("admit", id)
        except AwayError:
            return self._probe_alone(now)
        self.apply(answer, was_denied=not answer.is_granted)
        if answer.is_granted:
            return ProbePermit(self, self._era.mine, perf_counter(), Probe(id, answer.version))
        return None

    def _probe_alone(self, now: float) -> Permit | None:
        self.endure()
        with self._lock:
            seen = self._seen
            is_alone = self._store.away_s >= ALONE_S and now >= seen.ask_at
            if not (is_alone and seen.may_probe(now=now, jitter=self._store.jitter())):
                return None
            self._take(seen.probing(self.policy, now=now))
            return ProbePermit(self, self._era.mine, perf_counter(), Probe("", seen.version))

    # How calls went, told by their permits

    def note_slow(self, era: Era) -> None:
        era.drag(self.policy, self._clock())
        self._react(era)

    def note_failure(self, permit: Permit, why: str, took_s: float) -> None:
        if permit.probe:
            self._settle(permit.probe, "failed", why, took_s)
            return
        self._count_failure(permit.era, why, took_s)
        self._react(permit.era)

    def note_trip(self, permit: Permit, why: str, took_s: float) -> None:
        if permit.probe:
            self._settle(permit.probe, "failed", why, took_s)
            return
        era = permit.era
        self._count_failure(era, why, took_s)
        if era is self._era:
            self.sync()
            self._trip(era, why[:WHY_LENGTH])

    def note_probe(self, permit: Permit, took_s: float) -> None:
        """A probe that took too long passes nothing: the breaker would open again for slowness."""
        assert permit.probe
        if took_s >= self.slow_s:
            self._settle(permit.probe, "failed", f"took {took_s:.1f} s", took_s)
        else:
            self._settle(permit.probe, "ok", "", took_s)

    def note_release(self, permit: Permit) -> None:
        if permit.probe:
            self._settle(permit.probe, "release", "", 0.0)

    def _count_failure(self, era: Era, why: str, took_s: float) -> None:
        era.fail(self.policy, self._clock(), self._sample(why, took_s), is_slow=took_s >= self.slow_s)

    def _sample(self, why: str, took_s: float) -> Sample:
        return Sample(self._clock(), why[:WHY_LENGTH], took_s, request_id.current())

    def _react(self, era: Era) -> None:
        """Tell the others at once when there is a reason to open, or enough that they may have one."""
        if era is self._era and self._seen.state is State.CLOSED:
            is_pressing = era.unsent.failed >= UNSENT_FAILURES
            if is_pressing or era.window.why_open(self.policy, era.run):
                self.sync()

    def _settle(self, probe: Probe, outcome: str, why: str, took_s: float) -> None:
        if outcome != "release":
            metrics.count(f"{self.metric}.{outcome}")
        if not probe.id:
            self._settle_alone(probe, outcome)
            return
        sample = self._sample(why, took_s)
        told = self._told([sample]) if outcome == "failed" else ""
        try:
            self.apply(self._ask("settle", probe.version, probe.id, outcome, sample.why, told))
        except AwayError:
            self.endure()  # the place comes back when its lease ends

    def _settle_alone(self, probe: Probe, outcome: str) -> None:
        with self._lock:
            seen = self._seen
            if seen.state is not State.HALF_OPEN or seen.version != probe.version or not seen.probe_until:
                return
            if outcome == "release":
                self._take(seen.released())
                return
            has_passed, now = outcome == "ok", self._clock()
            self._take(
                seen.probed(self.policy, has_passed=has_passed, now=now, jitter=self._store.jitter()), is_new=True
            )
