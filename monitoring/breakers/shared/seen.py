"""What a process knows of a breaker, and how it goes on alone while the shared store is away. Times are monotonic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from monitoring.breakers.policy import Policy, State
from monitoring.breakers.shared.store import Answer

DENIED_S: Final = 0.025  # after a refused permit: how long this process does not ask for another
PROBING_S: Final = 1.0  # what callers are told to wait at most while probes decide
SPREAD: Final = 0.25  # of the open time: over which processes without a store spread their probes


@dataclass(frozen=True, slots=True)
class Seen:
    """The state as last answered, or as made here while there is no store.

    `core` is the shared state beneath overrides, which local transitions leave as it was: it is what gets published
    when the store has lost it. `tripped` is why this process opened alone, until the store has been told.
    """

    state: State
    version: int = 0
    core: State = State.CLOSED
    until: float = 0.0
    ask_at: float = 0.0
    opens: int = 0
    open_s: float = 0.0
    mode: str = ""
    mode_id: str = ""
    mode_until: float = 0.0
    actor: str = ""
    reason: str = ""
    tripped: str = ""
    passed: int = 0
    probe_until: float = 0.0

    @classmethod
    def of(cls, answer: Answer, now: float) -> Seen:
        until = ask_at = now + answer.left_s
        if answer.state is State.HALF_OPEN:
            until, ask_at = now + min(max(answer.left_s, DENIED_S), PROBING_S), now
        return cls(
            state=answer.state,
            version=answer.version,
            core=answer.core,
            until=until,
            ask_at=ask_at,
            opens=answer.opens,
            open_s=answer.open_s,
            mode=answer.mode,
            mode_id=answer.mode_id,
            mode_until=now + answer.mode_left_s,
            actor=answer.actor,
            reason=answer.reason,
        )

    def for_adoption(self, now: float) -> tuple[str | int | float, ...]:
        """The arguments with which the script takes this as the shared state."""
        left_ms = max(0, round((self.until - now) * 1000)) if self.state is self.core is State.OPEN else 0
        mode_ms = max(0, round((self.mode_until - now) * 1000)) if self.mode else 0
        state = (self.version, self.core.value, left_ms, round(self.open_s * 1000), self.opens)
        return (*state, self.mode, self.mode_id, mode_ms, self.actor, self.reason)

    # Without a store

    def opened(self, policy: Policy, why: str, *, now: float, jitter: float) -> Seen:
        open_s = policy.open_time_s(self.opens + 1, jitter)
        until = now + open_s
        return replace(
            self,
            state=State.OPEN,
            until=until,
            ask_at=until,
            opens=self.opens + 1,
            open_s=open_s,
            tripped=why if self.core is State.CLOSED else "",
            passed=0,
            probe_until=0.0,
        )

    def may_probe(self, *, now: float, jitter: float) -> bool:
        """One probe at a time, spread over a while, since other processes are as blind as this one."""
        if self.state not in {State.OPEN, State.HALF_OPEN} or now < self.probe_until:
            return False
        return self.state is State.HALF_OPEN or now >= self.until + SPREAD * self.open_s * jitter

    def probing(self, policy: Policy, *, now: float) -> Seen:
        return replace(self, state=State.HALF_OPEN, ask_at=now, until=now, probe_until=now + policy.probe_s)

    def probed(self, policy: Policy, *, has_passed: bool, now: float, jitter: float) -> Seen:
        if not has_passed:
            return self.opened(policy, self.tripped, now=now, jitter=jitter)
        if self.passed + 1 < policy.successes:
            return replace(self, passed=self.passed + 1, probe_until=0.0)
        return replace(self, state=State.CLOSED, passed=0, tripped="", probe_until=0.0)

    def released(self) -> Seen:
        return replace(self, probe_until=0.0)

    def lifted(self, policy: Policy) -> Seen:
        """After the end of an override."""
        state = State.METRICS_ONLY if policy.shadow else State.CLOSED
        return replace(self, state=state, core=State.CLOSED, mode="", mode_id="", actor="", reason="", opens=0)
