"""Metrics: recorded in every process, merged by one, kept in three tiers.

Data flows through record (with sketch) → flush (blob) → aggregate (store: write, rollup, retain) → read and snapshot.
"""

from __future__ import annotations

from monitoring.metrics.flush import flush
from monitoring.metrics.gauges import register_gauge, register_gauges
from monitoring.metrics.record import count, disable, enable, observe, timed

__all__ = ["count", "disable", "enable", "flush", "observe", "register_gauge", "register_gauges", "timed"]
