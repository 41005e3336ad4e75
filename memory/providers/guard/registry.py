"""The guards of this process: one per provider."""

from __future__ import annotations

import os
import threading

from django.conf import settings

from memory.providers.guard.guard import Guard
from memory.providers.guard.measure import PREFIX
from memory.providers.guard.retry import verdict
from monitoring import breakers

_lock = threading.Lock()
_guards: dict[str, Guard] = {}


def guard_of(
    name: str,
    *,
    title: str,
    policy: breakers.Policy,
    credential: str = "",
    fallback_text: str = "",
    attempts: int = 3,
    timeout_s: float | None = None,
    rate_per_s: float | None = None,
) -> Guard:
    """The guard of the provider `name` ([a-z0-9_-]); made when first asked for, with what that call says.

    Its breaker is `provider.<name>`, and its figures are under the same name. Where no time and rate are given, the
    settings' hold.
    """
    with _lock:
        if name not in _guards:
            breaker = breakers.register(
                f"{PREFIX}{name}", title=title, policy=policy, fallback_text=fallback_text, classify=verdict
            )
            _guards[name] = Guard(
                name,
                title=title,
                breaker=breaker,
                timeout_s=timeout_s or settings.HOLDFAST_PROVIDER_TIMEOUT_S,
                rate_per_s=rate_per_s or settings.HOLDFAST_PROVIDER_RATE,
                attempts=attempts,
                credential=credential,
            )
        return _guards[name]


def forget_guards() -> None:
    """Has the next `guard_of` read the settings anew."""
    with _lock:
        _guards.clear()


def _after_fork_in_child() -> None:
    """A child has its own guards: calls that were in flight in the parent are not its own."""
    global _lock, _guards
    _lock = threading.Lock()
    _guards = {}


os.register_at_fork(after_in_child=_after_fork_in_child)
