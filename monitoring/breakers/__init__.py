"""Circuit breakers: every process decides in the blink of an eye, and all of them alike, through Redis.

Data flows through breaker (with permit, era and window) → registry's keeper → shared (state.lua) → journal → overview.
"""

from __future__ import annotations

from monitoring.breakers.breaker import Breaker
from monitoring.breakers.ops.journal import Journal, history, timeline
from monitoring.breakers.ops.orders import (
    RefusedError,
    disable,
    end_override,
    force_closed,
    force_open,
    metrics_only,
    reset,
)
from monitoring.breakers.ops.overview import Failure, Override, View, cut_off, overview
from monitoring.breakers.permit import Permit
from monitoring.breakers.policy import OpenError, Policy, State, Verdict
from monitoring.breakers.registry import Family, family, flush, register
from monitoring.models import Transition

__all__ = [
    "Breaker",
    "Failure",
    "Family",
    "Journal",
    "OpenError",
    "Override",
    "Permit",
    "Policy",
    "RefusedError",
    "State",
    "Transition",
    "Verdict",
    "View",
    "cut_off",
    "disable",
    "end_override",
    "family",
    "flush",
    "force_closed",
    "force_open",
    "history",
    "metrics_only",
    "overview",
    "register",
    "reset",
    "timeline",
]
