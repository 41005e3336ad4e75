"""Drills: they do the real thing in a scope of their own, measure it, and clean up after themselves.

Data flows through registry (which there are) → drill (one run: steps and figures) → run (once at a time, in time) →
results. What monitoring itself can drill is in own; breaker is for drills that need one.
"""

from __future__ import annotations

from monitoring.health.drills.drill import Drill, FailedError, require
from monitoring.health.drills.registry import Spec, register
from monitoring.health.drills.run import BusyError, TooOftenError, run

__all__ = ["BusyError", "Drill", "FailedError", "Spec", "TooOftenError", "register", "require", "run"]
