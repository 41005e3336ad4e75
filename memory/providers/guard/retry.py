"""What an error means: whether asking again can help, when, and what the breaker is told."""

from __future__ import annotations

import random
from typing import Final

from memory.providers.base import (
    ProviderBadAnswerError,
    ProviderCredentialsError,
    ProviderError,
    ProviderRateLimitedError,
    ProviderRefusedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from memory.providers.guard.deadline import LEAST_S
from monitoring.breakers import Verdict

BASE_S: Final = 0.1
LIMIT_S: Final = 2.0


def pause_s(problem: ProviderError, *, attempt: int, left_s: float, chance: random.Random) -> float | None:
    """Seconds to wait after the `attempt`-th failure (from 1), None where asking again is of no use in the time left.

    Full jitter: uniform in [0, BASE·2^(attempt-1)], capped ("Exponential Backoff And Jitter", AWS Architecture Blog,
    2015), and never less than a 503 asks for. After a 429 there is no pause of its own: the limit holds everybody back
    until the time that was given.
    """
    if problem.permanent or left_s <= LEAST_S:
        return None
    if isinstance(problem, ProviderRateLimitedError):
        return 0.0
    pause = chance.uniform(0, min(LIMIT_S, BASE_S * 2.0 ** (attempt - 1)))
    if isinstance(problem, ProviderUnavailableError):
        pause += problem.retry_after_s or 0.0
    return pause if pause + LEAST_S <= left_s else None


def verdict(problem: BaseException) -> Verdict:
    """What an outcome says about the provider: 429 and refused requests nothing, a wrong key everything."""
    if isinstance(problem, ProviderCredentialsError):
        return Verdict.TRIP
    if isinstance(problem, ProviderRateLimitedError | ProviderRefusedError):
        return Verdict.IGNORE
    return Verdict.FAILURE if isinstance(problem, ProviderError) else Verdict.IGNORE


def words(problem: ProviderError) -> str:
    """The kind of error in words. Never the message itself, which may quote what was sent."""
    if isinstance(problem, ProviderTimeoutError):
        return "timeout"
    if isinstance(problem, ProviderBadAnswerError):
        return "unusable answer"
    if isinstance(problem, ProviderCredentialsError):
        return "credentials refused"
    return "unavailable"
