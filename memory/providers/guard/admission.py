"""Past a breaker, or through one that the flag circuit_breakers has switched off."""

from __future__ import annotations

from time import perf_counter

from flags import rollout
from memory.catalogue import CIRCUIT_BREAKERS
from monitoring.breakers import Breaker, OpenError, Permit


def admit(breaker: Breaker) -> Permit:
    """A permit for one call. Raises OpenError while the breaker is open, unless it refuses nothing."""
    if not breaker.state.lets_pass and breaker.retry_after_s and lets_pass(breaker):
        return _through(breaker)  # asking would be counted as refused
    try:
        # an open one whose time is over gives a probe's permit, so that it closes although it refuses nothing
        return breaker.admit()
    except OpenError:
        if lets_pass(breaker):
            return _through(breaker)
        raise


def lets_pass(breaker: Breaker) -> bool:
    """Whether calls go through: it is closed, or refuses nothing. The flag's unit is the breaker's name."""
    return breaker.state.lets_pass or not rollout.is_on(CIRCUIT_BREAKERS.name, breaker.name)


def _through(breaker: Breaker) -> Permit:
    """A permit whose outcome is counted, and decides nothing: an open breaker closes by its probes alone."""
    return Permit(breaker, breaker.era.mine, perf_counter())
