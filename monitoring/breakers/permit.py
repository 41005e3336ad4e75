"""The right to make one call: whoever has it says how the call went, once."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING

from monitoring.breakers.counts.era import Era, Mine
from monitoring.breakers.policy import Verdict

if TYPE_CHECKING:
    from monitoring.breakers.breaker import Breaker


@dataclass(frozen=True, slots=True)
class Probe:
    """A leased place among those that try whether an open breaker may close. Without an id it is this process's own."""

    id: str
    version: int


class Permit:
    """Settle it with `succeed`, `fail`, `trip` or `release`; only the first counts. As a context manager it settles
    itself by the error that leaves the block. One that is never settled counts nothing; a probe's place comes back
    after the policy's `probe_s`.
    """

    __slots__ = ("_began", "_breaker", "_mine")
    probe: Probe | None = None

    def __init__(self, breaker: Breaker, mine: Mine, began: float) -> None:
        self._breaker = breaker
        self._mine = mine
        self._began: float | None = began  # None: settled

    @property
    def is_probe(self) -> bool:
        return self.probe is not None

    @property
    def era(self) -> Era:
        """The era in which the call began."""
        return self._mine.era

    def succeed(self, took_s: float | None = None) -> None:
        """The call went well, in `took_s` seconds (by default since the permit was given)."""
        began = self._began
        if began is not None:
            self._began = None
            self._mine.tally.ok += 1
            if (perf_counter() - began if took_s is None else took_s) >= self._breaker.slow_s:
                self._breaker.note_slow(self.era)

    def fail(self, why: str, took_s: float | None = None) -> None:
        """The dependency failed. `why` is shown on the console: a kind of error, never anybody's text."""
        if (began := self._settled()) is not None:
            self._breaker.note_failure(self, why, perf_counter() - began if took_s is None else took_s)

    def trip(self, why: str, took_s: float | None = None) -> None:
        """The dependency failed, and will until somebody acts: open at once, saying why."""
        if (began := self._settled()) is not None:
            self._breaker.note_trip(self, why, perf_counter() - began if took_s is None else took_s)

    def release(self) -> None:
        """The call says nothing about the dependency: it counts neither as success nor as failure."""
        if self._settled() is not None:
            self._breaker.note_release(self)

    def judge(self, error: BaseException) -> None:
        """Settles by the breaker's classifier. What is no Exception (an exit, a cancellation) says nothing."""
        verdict = self._breaker.classify(error) if isinstance(error, Exception) else Verdict.IGNORE
        if verdict is Verdict.SUCCESS:
            self.succeed()
        elif verdict is Verdict.FAILURE:
            self.fail(type(error).__name__)
        elif verdict is Verdict.TRIP:
            self.trip(type(error).__name__)
        else:
            self.release()

    def __enter__(self) -> Permit:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.judge(error)
            return
        # what `succeed` does, without the price of calling it
        began = self._began
        if began is not None:
            self._began = None
            self._mine.tally.ok += 1
            if perf_counter() - began >= self._breaker.slow_s:
                self._breaker.note_slow(self.era)

    def _settled(self) -> float | None:
        """Settle it: when the call began, or None where it was settled before."""
        began, self._began = self._began, None
        return began


class ProbePermit(Permit):
    """A permit that has a probe's place."""

    __slots__ = ("probe",)

    def __init__(self, breaker: Breaker, mine: Mine, began: float, probe: Probe) -> None:
        super().__init__(breaker, mine, began)
        self.probe: Probe | None = probe

    def succeed(self, took_s: float | None = None) -> None:
        if (began := self._settled()) is not None:
            self._breaker.note_probe(self, perf_counter() - began if took_s is None else took_s)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.succeed()
        else:
            self.judge(error)
