"""A breaker as simple as can be: every call ever made in a list, and the rules of opening and closing spelled out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from monitoring.breakers import Policy, State


@dataclass(slots=True)
class Model:
    """The shared state that Redis should have. Times are in milliseconds."""

    policy: Policy
    now: int = 0
    state: State = State.CLOSED
    version: int = 0
    calls: list[tuple[int, bool, bool]] = field(default_factory=list)  # when, has failed, was slow
    run: int = 0
    opens: int = 0
    until: int = 0
    closed_at: int | None = None
    permits: dict[object, int] = field(default_factory=dict)  # and when each expires
    passed: int = 0
    mode: State | None = None
    mode_until: int = 0

    @property
    def effective(self) -> State:
        return self.mode or self.state

    def tick(self) -> None:
        """What time does."""
        if self.mode and self.now >= self.mode_until:
            self.lift()

    def lift(self) -> None:
        self.mode, self.opens = None, 0
        self.close()

    def reset(self) -> None:
        self.opens = 0
        self.close()

    def close(self) -> None:
        self.state, self.closed_at, self.calls, self.run = State.CLOSED, self.now, [], 0
        self.move()

    def override(self, mode: State, until: int) -> None:
        if self.state is not State.CLOSED:
            self.close()
            self.version -= 1  # one step, not two
        self.mode, self.mode_until = mode, until
        self.move()

    def move(self) -> None:
        self.version += 1
        self.permits, self.passed = {}, 0

    def figures(self) -> tuple[int, int, int]:
        """Ok, failed and slow within the window, by whole buckets."""
        width = self.policy.bucket_s * 1000
        oldest = self.now // width - math.ceil(self.policy.window_s / self.policy.bucket_s)
        inside = [call for call in self.calls if call[0] // width > oldest]
        failed = sum(has_failed for _, has_failed, _ in inside)
        return len(inside) - failed, failed, sum(was_slow for _, _, was_slow in inside)

    def report(self, version: int, own_run: int, *, has_failed: bool, was_slow: bool = False) -> None:
        """One call that was counted under `version` by a process that saw `own_run` failures in a row."""
        self.tick()
        is_current = version == self.version
        if is_current or self.state is not State.CLOSED:
            self.calls.append((self.now, has_failed, was_slow))
        if is_current and self.state is State.CLOSED:
            self.run = self.run + 1 if has_failed else 0
            if self.mode is None and self.must_open(max(self.run, own_run)):
                self.open()

    def must_open(self, run: int) -> bool:
        ok, failed, slow = self.figures()
        policy, calls = self.policy, ok + failed
        in_a_row = policy.consecutive is not None and run >= policy.consecutive
        in_all = policy.failures is not None and failed >= policy.failures
        enough = calls >= policy.minimum_calls
        by_rate = policy.failure_rate is not None and failed >= policy.failure_rate * calls
        by_slowness = policy.slow_rate is not None and slow >= policy.slow_rate * calls
        return in_a_row or in_all or (enough and (by_rate or by_slowness))

    def open(self) -> None:
        if self.state is State.CLOSED and self.closed_at is not None:
            healthy_ms = 1000 * max(self.policy.window_s, self.policy.open_s)
            self.opens = max(0, self.opens - int((self.now - self.closed_at) // healthy_ms))
        self.opens += 1
        self.state = State.OPEN
        self.until = self.now + self.longest_ms  # shorter by up to a tenth: the test takes over what it sees
        self.move()

    @property
    def longest_ms(self) -> int:
        return round(1000 * float(min(self.policy.open_s * 2 ** (self.opens - 1), self.policy.open_limit_s)))

    def admit(self, permit: object) -> State | None:
        """HALF_OPEN when the permit is a probe's, CLOSED when all may pass, None when refused."""
        self.tick()
        if self.effective.lets_pass:
            return State.CLOSED
        if self.effective is State.OPEN and self.now >= self.until:
            self.state = State.HALF_OPEN
            self.move()
        if self.effective is not State.HALF_OPEN:
            return None
        live = {id: expiry for id, expiry in self.permits.items() if expiry > self.now}
        self.permits = live
        wanted = max(self.policy.probes, self.policy.successes)
        if len(live) >= self.policy.probes or len(live) + self.passed >= wanted:
            return None
        live[permit] = self.now + round(1000 * self.policy.probe_s)
        return State.HALF_OPEN

    def settle(self, permit: object, *, has_passed: bool | None) -> None:
        """A probe passed, failed, or (None) said nothing. One whose lease or era is over has no effect."""
        self.tick()
        if self.effective is not State.HALF_OPEN or self.permits.pop(permit, 0) <= self.now:
            return
        if has_passed is None:
            return
        self.calls.append((self.now, not has_passed, False))
        if not has_passed:
            self.open()
            return
        self.passed += 1
        if self.passed >= self.policy.successes:
            self.close()

    def flush(self) -> None:
        """What is lost with Redis' memory, once a process has told it what it knows."""
        self.tick()
        self.calls, self.run, self.permits, self.passed = [], 0, {}, 0
        self.closed_at = self.now if self.version and self.state is State.CLOSED else None
