"""What a breaker is told: when it opens and closes, what an error means, and how it says no."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

from celery.exceptions import SoftTimeLimitExceeded

LEVELS_LIMIT: Final = 20  # of the exponential open time; beyond it, only the limit counts


class State(StrEnum):
    """Closed, open and half-open are the breaker's own; the other three are an operator's, or a policy's in shadow."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    FORCED_OPEN = "forced_open"
    DISABLED = "disabled"
    METRICS_ONLY = "metrics_only"

    @property
    def label(self) -> str:
        """The word that the console shows."""
        return "half-open" if self is State.HALF_OPEN else self.value.replace("_", " ")

    @property
    def lets_pass(self) -> bool:
        """Whether every call goes through."""
        return self in {State.CLOSED, State.DISABLED, State.METRICS_ONLY}


class Verdict(StrEnum):
    """What the outcome of a call says about the dependency. IGNORE says nothing: neither success nor failure."""

    SUCCESS = "success"
    FAILURE = "failure"
    IGNORE = "ignore"
    TRIP = "trip"


class OpenError(Exception):
    """The call was not made. `retry_after_s` tells when asking again may help; serve the standard path until then."""

    def __init__(self, name: str, title: str, retry_after_s: float, state: State) -> None:
        super().__init__(f"{title} is {state.label}: ask again in {retry_after_s:.1f} s")
        self.name = name
        self.title = title
        self.retry_after_s = retry_after_s
        self.state = state


def every_error_is_a_failure(error: Exception) -> Verdict:
    """The classifier where none is given. A worker's time limit, or another breaker's refusal, says nothing here."""
    return Verdict.IGNORE if isinstance(error, (OpenError, SoftTimeLimitExceeded)) else Verdict.FAILURE


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When a breaker opens, how long it stays open, and what closes it. Rates are shares from 0 to 1.

    Any of these opens it: `consecutive` failures in a row; `failures` within the window; a failed or slow share of at
    least `failure_rate` or `slow_rate` among at least `minimum_calls` of the window. None switches a condition off.
    It stays open for `open_s`, doubled each time that it opens again, at most `open_limit_s`. Then at most `probes`
    calls at a time try, each for at most `probe_s` (more than the call's own timeout), and `successes` of them close
    it. With `shadow` it measures and says what it would do, and never refuses.
    """

    window_s: float = 60
    minimum_calls: int = 20
    failure_rate: float | None = 0.5
    consecutive: int | None = 5
    failures: int | None = None
    slow_s: float | None = None
    slow_rate: float | None = None
    open_s: float = 30
    open_limit_s: float = 300
    successes: int = 2
    probes: int = 2
    probe_s: float = 10
    shadow: bool = False

    def __post_init__(self) -> None:
        _check(self, "window_s", 1, 3600)
        _check(self, "open_s", 0.001, 86_400)
        _check(self, "open_limit_s", self.open_s, 86_400)
        _check(self, "probe_s", 0.001, 3600)
        for name in ("minimum_calls", "successes", "probes", "consecutive", "failures"):
            _check(self, name, 1, 1_000_000)
        for name in ("failure_rate", "slow_rate"):
            _check(self, name, 0.0001, 1)
        _check(self, "slow_s", 0.000_001, 3600)
        if (self.slow_s is None) != (self.slow_rate is None):
            raise ValueError("slow_s and slow_rate go together: what is slow, and which share of it opens the breaker")

    @property
    def bucket_s(self) -> int:
        """The width of the window's buckets: a second, or a sixtieth of a window longer than a minute."""
        return max(1, math.ceil(self.window_s / 60))

    @property
    def buckets(self) -> int:
        return math.ceil(self.window_s / self.bucket_s)

    def open_time_s(self, opens: int, jitter: float) -> float:
        """How long it stays open the `opens`-th time in a row; `jitter` (0 to 1) takes off up to a tenth."""
        level = min(max(opens, 1), LEVELS_LIMIT) - 1
        return float(min(self.open_s * 2**level, self.open_limit_s) * (1 - 0.1 * jitter))

    def as_dict(self) -> dict[str, Any]:
        """For the shared store: what is None is left out."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in told.items() if value is not None}

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Policy:
        """The inverse of `as_dict`; what a newer process has added is left out."""
        optional: dict[str, Any] = dict.fromkeys(("failure_rate", "consecutive", "failures", "slow_s", "slow_rate"))
        return cls(**optional | {field.name: told[field.name] for field in fields(cls) if field.name in told})


def _check(policy: Policy, name: str, least: float, most: float) -> None:
    value = getattr(policy, name)
    if value is not None and not least <= value <= most:
        raise ValueError(f"{name} must be from {least:g} to {most:g}, got {value!r}")
