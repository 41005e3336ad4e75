"""What a named cache may hold, and what a look-up in it finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """What a cache may hold, and for how long: `ttl_s` where nobody says otherwise, `ttl_limit_s` at most.

    `entries` bounds a namespace; `stale_s` is how long after its time a value may still be served while somebody makes
    a new one; `strict` means that a value must never be older than the last invalidation, even without Redis.
    """

    name: str
    title: str
    ttl_s: float
    entries: int
    stale_s: float = 0.0
    value_limit: int = 1024 * 1024
    ttl_limit_s: float = 0.0
    local_entries: int = 0
    local_s: float = 0.0
    strict: bool = False

    def life_s(self, ttl_s: float | None = None) -> float:
        """How long a value is fresh when `ttl_s` is asked for."""
        return self.ttl_s if ttl_s is None else min(ttl_s, self.longest_s)

    @property
    def longest_s(self) -> float:
        return max(self.ttl_s, self.ttl_limit_s)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look-up found: the answer, if there is one, and the version to keep a new one under.

    `stale` is a value whose time is over and that may be served while a new one is made.
    """

    answer: bytes | None
    version: bytes | None
    stale: bytes | None = None
