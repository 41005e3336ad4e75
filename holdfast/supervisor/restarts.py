"""How often a child that ends may be started again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """At most `limit` restarts within `window_s`, the first after `first_delay_s`, each next after twice as long."""

    limit: int = 5
    window_s: float = 60.0
    first_delay_s: float = 0.5


@dataclass(slots=True)
class Restarts:
    """The restarts of one child."""

    policy: RestartPolicy
    _times: deque[float] = field(default_factory=deque)

    def next_delay_s(self, now: float) -> float | None:
        """Seconds to wait before the restart that is due at `now` (monotonic), or None when there were too many."""
        while self._times and now - self._times[0] > self.policy.window_s:
            self._times.popleft()
        if len(self._times) >= self.policy.limit:
            return None
        delay_s: float = self.policy.first_delay_s * 2 ** len(self._times)
        self._times.append(now)
        return delay_s
