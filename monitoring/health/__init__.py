"""Health: may this process serve (probes), would the installation stand a bad day (readiness), and does it (drills).

Apps register their checks, rules and drills here in AppConfig.ready(): monitoring knows none of them by name.
"""

from __future__ import annotations

from monitoring.health.probes.registry import Result, Status, register

__all__ = ["Result", "Status", "register"]
