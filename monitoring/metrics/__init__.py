"""Metrics: recorded in every process, merged by one, kept in three tiers.

Any application may record with observe, count and gauge: docs/monitoring.md tells how. Data flows through record (with
sketch) → flush (blob) → aggregate (store: write, rollup, retain) → read (many series at once: many) and snapshot.
"""

from __future__ import annotations

from monitoring.metrics.flush import flush
from monitoring.metrics.gauges import register_gauge, register_gauges
from monitoring.metrics.record import count, disable, enable, observe, observe_all, timed
from monitoring.metrics.record import sample as gauge
from monitoring.metrics.ticks import register_tick

__all__ = [
    "count",
    "disable",
    "enable",
    "flush",
    "gauge",
    "observe",
    "observe_all",
    "register_gauge",
    "register_gauges",
    "register_tick",
    "timed",
]
