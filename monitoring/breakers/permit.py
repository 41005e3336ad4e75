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

    __slots__ = ("_began", "_breaker", "_is_settled", "_mine", "_probe")

    def __init__(self, breaker: Breaker, mine: Mine, began: float, probe: Probe | None = None) -> None:
        self._breaker = breaker
        self._mine = mine
        self._began = began
        self._probe = probe
        self._is_settled = False

    @property
    def is_probe(self) -> bool:
        return self._probe is not None

    @property
    def probe(self) -> Probe | None:
        return self._probe

    @property
    def era(self) -> Era:
        """The era in which the call began."""
        return self._mine.era

    def succeed(self, took_s: float | None = None) -> None:
        """The call went well, in `took_s` seconds (by default since the permit was given)."""
        if self._is_settled:
            return
        self._is_settled = True
        took_s = perf_counter() - self._began if took_s is None else took_s
        if self._probe is None:
            self._mine.tally.ok += 1
            if took_s >= self._breaker.slow_s:
                self._breaker.note_slow(self.era)
        else:
            self._breaker.note_probe(self, took_s)

    def fail(self, why: str, took_s: float | None = None) -> None:
        """The dependency failed. `why` is shown on the console: a kind of error, never anybody's text."""
        if not self._is_settled:
            self._is_settled = True
            self._breaker.note_failure(self, why, self._took(took_s))

    def trip(self, why: str, took_s: float | None = None) -> None:
        """The dependency failed, and will until somebody acts: open at once, saying why."""
        if not self._is_settled:
            self._is_settled = True
            self._breaker.note_trip(self, why, self._took(took_s))

    def release(self) -> None:
        """The call says nothing about the dependency: it counts neither as success nor as failure."""
        if not self._is_settled:
            self._is_settled = True
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
        if error is None:
            self.succeed()
        else:
            self.judge(error)

    def _took(self, took_s: float | None) -> float:
        return perf_counter() - self._began if took_s is None else took_s
