"""How many jobs a claim takes: as many as take about the wanted time, found by trying."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GROW: Final = 0.1  # of the most, added when a full batch was quick
SHRINK: Final = 0.5  # of the size, kept when one was slow


@dataclass(slots=True)
class BatchSize:
    """Additive increase, multiplicative decrease, between 1 and `most` jobs.

    Source: D. Chiu, R. Jain, "Analysis of the increase and decrease algorithms for congestion avoidance", 1989.
    """

    most: int
    target_s: float
    size: int = 0

    def __post_init__(self) -> None:
        self.size = max(1, min(self.most, self.size or self.most // 4))

    def took(self, jobs: int, seconds: float) -> None:
        """Learn from a batch. One that was not full and quick says nothing of a full one."""
        if seconds > self.target_s:
            # a batch smaller than the size that is too slow already says that the size is far too large
            self.size = max(1, int(min(self.size, max(1, jobs)) * SHRINK))
        elif jobs >= self.size:
            self.size = min(self.most, self.size + max(1, int(self.most * GROW)))
