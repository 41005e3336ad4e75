"""The nouns of monitoring."""

from __future__ import annotations

from monitoring.models.breakers import BreakerOverride, Transition
from monitoring.models.events import Event, EventQuerySet
from monitoring.models.series import Hour, LatencySketch, MinuteChunk, Process, Second, Series, Watermark

__all__ = [
    "BreakerOverride",
    "Event",
    "EventQuerySet",
    "Hour",
    "LatencySketch",
    "MinuteChunk",
    "Process",
    "Second",
    "Series",
    "Transition",
    "Watermark",
]
