"""Timings by part of the request or job going on: database, cache, provider, and what is left, its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from monitoring.tracing.trace import Parts, current

DATABASE: Final = "database"
CACHE: Final = "cache"
PROVIDER: Final = "provider"
OWN: Final = "own"
NAMES: Final = (DATABASE, CACHE, PROVIDER, OWN)  # in the order in which they are shown


def add(part: str, seconds: float, n: int = 1) -> None:
    """Add `n` calls that took `seconds` together. Outside of requests and jobs this does nothing, in 0.1 µs."""
    trace = current()
    if trace is not None:
        spent, calls = trace.parts.get(part, (0.0, 0))
        trace.parts[part] = (spent + seconds, calls + n)


def ordered(parts: Iterable[str]) -> list[str]:
    """The names of parts in the order in which they are told: ours first, then those of others."""
    found = set(parts)
    return [*(name for name in NAMES if name in found), *sorted(found - set(NAMES))]


def split(parts: Parts, took_s: float) -> dict[str, tuple[float, int]]:
    """The parts of something that took `took_s` seconds; `own` is the rest, nothing where parts ran side by side."""
    spent = sum(seconds for seconds, _ in parts.values())
    return {**parts, OWN: (max(0.0, took_s - spent), 1)}
