"""What one process has counted lately: a ring of buckets, and whether it is a reason to open."""

from __future__ import annotations

from collections import deque

from monitoring.breakers.policy import Policy


class Window:
    """Sums of ok, failed and slow calls of the last `policy.window_s` seconds. Times are of one monotonic clock."""

    __slots__ = ("_buckets", "failed", "ok", "slow")

    def __init__(self) -> None:
        self._buckets: deque[list[int]] = deque()  # [tick, ok, failed, slow], the oldest first
        self.ok = self.failed = self.slow = 0

    def add(self, policy: Policy, now: float, *, ok: int = 0, failed: int = 0, slow: int = 0) -> None:
        self.slide(policy, now)
        if not (ok or failed or slow):
            return
        tick = int(now // policy.bucket_s)
        if not self._buckets or self._buckets[-1][0] < tick:
            self._buckets.append([tick, 0, 0, 0])
        last = self._buckets[-1]
        last[1] += ok
        last[2] += failed
        last[3] += slow
        self.ok += ok
        self.failed += failed
        self.slow += slow

    def slide(self, policy: Policy, now: float) -> None:
        """Forget what is older than the window."""
        oldest = int(now // policy.bucket_s) - policy.buckets
        while self._buckets and self._buckets[0][0] <= oldest:
            _, ok, failed, slow = self._buckets.popleft()
            self.ok -= ok
            self.failed -= failed
            self.slow -= slow

    def why_open(self, policy: Policy, run: int) -> str:
        """The reason to open after `run` failures in a row, in the script's words; empty where there is none."""
        calls = self.ok + self.failed
        if policy.consecutive and run >= policy.consecutive:
            return f"{run} calls in a row failed"
        if policy.failures and self.failed >= policy.failures:
            return f"{self.failed} calls failed within {policy.window_s:g} s"
        if calls < policy.minimum_calls:
            return ""
        if policy.failure_rate and self.failed >= policy.failure_rate * calls:
            limit = f"{policy.failure_rate * 100:g} %"
            return f"{100 * self.failed / calls:.1f} % of {calls} calls failed, limit {limit}"
        if policy.slow_rate and self.slow >= policy.slow_rate * calls:
            return f"{100 * self.slow / calls:.1f} % of {calls} calls took {policy.slow_s:g} s or longer"
        return ""
