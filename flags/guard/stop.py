"""The hard stop: so many errors among the exposed that nobody needs statistics."""

from __future__ import annotations

from flags.guard.policy import Policy
from flags.guard.verdict import Recent


def is_hard_stop(recent: Recent, policy: Policy) -> bool:
    """Whether share, errors and failing units all reach their limits (reference/flags.md 4.5).

    The share is absolute: in an outage of both arms it rolls back too, which costs a retry and never a user.
    """
    return (
        recent.error_share >= policy.stop_share
        and recent.errors >= policy.stop_errors
        and recent.failing_units >= policy.stop_units
    )
