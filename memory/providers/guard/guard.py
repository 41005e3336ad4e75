"""The guard: takes a function that asks a provider once, and answers what it answers or a ProviderError."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Generator, Iterator
from typing import Final, TypeVar

from memory.providers.base import (
    ProviderCredentialsError,
    ProviderError,
    ProviderOpenError,
    ProviderRateLimitedError,
    ProviderTimeoutError,
)
from memory.providers.guard import admission
from memory.providers.guard.deadline import SYSTEM, Clock, Deadline
from memory.providers.guard.flights import Flights
from memory.providers.guard.limit import Limit
from memory.providers.guard.measure import Measure, Reply
from memory.providers.guard.retry import pause_s, verdict, words
from monitoring.breakers import Breaker, OpenError, Permit, Verdict
from monitoring.tracing import parts

log = logging.getLogger(__name__)

T = TypeVar("T")

HOLD_S: Final = 1.0  # a provider that answers 429 without a time is left alone this long, doubled each time in a row
HOLD_DOUBLINGS: Final = 5
STREAM_TIMEOUTS: Final = 24  # a stream may last this many timeouts in all: each of its pieces has one


class Guard:
    """Guards one provider in this process; its breaker and its rate are those of all processes.

    `timeout_s` bounds a call in all, retries included. `attempts` is how often one call asks at most. `credential`
    names the setting that holds the key, for the operator to be told.
    """

    def __init__(
        self,
        name: str,
        *,
        title: str,
        breaker: Breaker,
        timeout_s: float,
        rate_per_s: float,
        attempts: int = 3,
        credential: str = "",
        clock: Clock = SYSTEM,
        chance: random.Random | None = None,
    ) -> None:
        self.name = name
        self.title = title
        self.breaker = breaker
        self.timeout_s = timeout_s
        self.measure = Measure(name)
        self._attempts = attempts
        self._credential = credential
        self.clock = clock
        self._chance = chance or random.Random()
        self._limit = Limit(name, rate_per_s=rate_per_s, clock=clock)
        self._flights = Flights(on_joined=lambda: self.measure.count("coalesced"))
        self._limited_in_a_row = 0

    def deadline(self) -> Deadline:
        """The deadline of a call that begins now."""
        return Deadline(self.timeout_s, self.clock)

    def call(
        self,
        ask: Callable[[Deadline], Reply[T]],
        *,
        operation: str,
        key: bytes | None = None,
        deadline: Deadline | None = None,
    ) -> T:
        """What `ask` answers.

        `ask` asks the provider once, within the deadline that it is given, and raises only ProviderErrors. Calls with
        the same `operation` and `key` (a digest of all that the answer depends on) that are in flight at the same time
        are one call; its answer is shared and not to be changed.

        Raises ProviderError only: ProviderOpenError while the breaker is open, ProviderRateLimitedError where no turn
        comes in time, or the last attempt's error. What `ask` raises besides (a time limit, a shutdown) passes through.
        """
        deadline = deadline or self.deadline()
        began = self.clock.now()
        try:
            if key is None:
                return self._ask(ask, operation, deadline)
            return self._flights.join((operation, key), lambda: self._ask(ask, operation, deadline), deadline)
        finally:
            parts.add(parts.PROVIDER, self.clock.now() - began)

    def stream(self, ask: Callable[[Deadline], Iterator[str]], *, operation: str = "stream") -> Iterator[str]:
        """The pieces of a streamed answer.

        The first piece is waited for here, like an answer: with retries, and raising what `call` raises. Later pieces
        have the timeout each; an error among them is raised from the iterator. `ask` may be a generator that returns a
        Reply with the figures of the whole.
        """
        deadline = self.deadline()
        permit = self._admit(deadline)
        began = self.clock.now()
        try:
            start = self._tries(lambda: _begin(ask(deadline)), deadline, permit)
        except BaseException as problem:
            self._settle(permit, problem, operation, deadline, self.clock.now() - began)
            raise
        parts.add(parts.PROVIDER, self.clock.now() - began)
        return self._pieces(start, permit, operation, deadline, self.clock.now() - began)

    def _ask(self, ask: Callable[[Deadline], Reply[T]], operation: str, deadline: Deadline) -> T:
        permit = self._admit(deadline)
        began = self.clock.now()
        try:
            reply = self._tries(lambda: ask(deadline), deadline, permit)
        except BaseException as problem:
            self._settle(permit, problem, operation, deadline, self.clock.now() - began)
            raise
        took_s = self.clock.now() - began
        permit.succeed(took_s)
        self.measure.ok(reply, took_s)
        return reply.value

    def _admit(self, deadline: Deadline) -> Permit:
        """Past the breaker and the limit. Raises ProviderOpenError or ProviderRateLimitedError: nobody was asked."""
        try:
            permit = admission.admit(self.breaker)
        except OpenError as closed:
            self.measure.count("rejected")
            raise ProviderOpenError(
                f"nobody was asked: the breaker of {closed}", retry_after_s=closed.retry_after_s
            ) from None
        try:
            self._limit.take(deadline)
        except BaseException as problem:
            permit.release()
            if isinstance(problem, ProviderError):
                self.measure.count("rejected")
            raise
        return permit

    def _tries(self, ask: Callable[[], T], deadline: Deadline, permit: Permit) -> T:
        """Asks until there is an answer, or an error that no further attempt could mend in time."""
        attempt, attempts = 1, 1 if permit.is_probe else self._attempts
        while True:
            try:
                answer = ask()
            except ProviderError as problem:
                self._hold_back(problem)
                pause = pause_s(problem, attempt=attempt, left_s=deadline.left_s(), chance=self._chance)
                if pause is None or attempt >= attempts or not self._next(pause, deadline):
                    raise
                self.measure.count("retried")
                attempt += 1
            else:
                self._limited_in_a_row = 0
                return answer

    def _next(self, pause: float, deadline: Deadline) -> bool:
        """Waits for another attempt's turn; False where it comes too late, or the breaker opened meanwhile."""
        self.clock.sleep(pause)
        if not admission.lets_pass(self.breaker):
            return False
        try:
            self._limit.take(deadline)
        except ProviderRateLimitedError:
            return False
        return True

    def _hold_back(self, problem: ProviderError) -> None:
        """A provider that is asked too often is left alone by everybody for as long as it said."""
        if not isinstance(problem, ProviderRateLimitedError):
            return
        self.measure.count("limited")
        if problem.retry_after_s is None:
            seconds = HOLD_S * 2 ** min(self._limited_in_a_row, HOLD_DOUBLINGS)
            self._limited_in_a_row += 1
        else:
            seconds = problem.retry_after_s
        self._limit.hold(seconds)

    def _settle(
        self, permit: Permit, problem: BaseException, operation: str, deadline: Deadline, took_s: float
    ) -> None:
        """Tells breaker, counters and log of a call that failed."""
        meaning = verdict(problem)
        if isinstance(problem, ProviderTimeoutError) and deadline.held_s > self.timeout_s / 2:
            meaning = Verdict.IGNORE  # most of the time went by before it was asked
        if meaning is Verdict.FAILURE and isinstance(problem, ProviderError):
            permit.fail(words(problem), took_s)
        elif meaning is Verdict.TRIP:
            permit.trip(f"credentials refused: check {self._credential or 'the key'}", took_s)
        else:
            permit.release()
        if isinstance(problem, ProviderError):
            self.measure.failed(took_s)
            self._log(problem, operation, took_s)

    def _log(self, problem: ProviderError, operation: str, took_s: float) -> None:
        event, setting = "provider_failed", ""
        if isinstance(problem, ProviderCredentialsError):
            event, setting = "provider_credentials", f" setting={self._credential}"
        name, error = self.name, type(problem).__name__
        log.warning(
            "event=%s provider=%s operation=%s error=%s ms=%.0f%s", event, name, operation, error, took_s * 1e3, setting
        )

    def _pieces(
        self, start: _Start, permit: Permit, operation: str, deadline: Deadline, took_s: float
    ) -> Generator[str, None, None]:
        until = Deadline(self.timeout_s * STREAM_TIMEOUTS, self.clock)
        first, pieces, reply = start
        try:
            if first is not None:
                reply = yield from _timed(first, pieces, lambda: deadline.renew(self.timeout_s, until=until))
        except GeneratorExit:
            pass  # the reader has enough: what came was good
        except BaseException as problem:
            self._settle(permit, problem, operation, deadline, took_s)
            raise
        permit.succeed(took_s)
        self.measure.ok(reply if isinstance(reply, Reply) else None, took_s)


_Start = tuple[str | None, Iterator[str], object]


def _begin(pieces: Iterator[str]) -> _Start:
    """The first piece, the rest, and what a generator returned that had no piece at all."""
    try:
        return next(pieces), pieces, None
    except StopIteration as end:
        return None, pieces, end.value


def _timed(first: str, pieces: Iterator[str], renew: Callable[[], None]) -> Generator[str, None, object]:
    """The pieces, with a new deadline from the moment at which each is asked for; returns what they return."""
    piece = first
    try:
        while True:
            yield piece
            renew()
            piece = next(pieces)
    except StopIteration as end:
        return end.value
    finally:
        # ends the connection now, not when the garbage is collected
        if isinstance(pieces, Generator):
            pieces.close()
