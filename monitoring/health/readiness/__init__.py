"""Readiness: how well the installation would stand a bad day, as a score with what to do about each point missing.

Data flows through rules (what is judged) → measures (monitoring's own) → assess → score, and history keeps it.
"""

from __future__ import annotations

from monitoring.health.readiness.assess import Assessment, assess
from monitoring.health.readiness.rules import Curve, Level, Measured, Rule, register

__all__ = ["Assessment", "Curve", "Level", "Measured", "Rule", "assess", "register"]
