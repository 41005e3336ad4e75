"""The nouns of monitoring."""

from __future__ import annotations

from monitoring.models.alerts import (
    Alert,
    AlertGroup,
    AlertQuerySet,
    AlertRule,
    AlertState,
    Channel,
    Evaluation,
    Notification,
    NotificationQuerySet,
    Severity,
    Silence,
    SilenceQuerySet,
)
from monitoring.models.audit import AuditEntry
from monitoring.models.breakers import BreakerOverride, Transition
from monitoring.models.events import Event, EventQuerySet
from monitoring.models.health import DrillResult, ReadinessResult
from monitoring.models.queries import QueryPolicy, QueryUse, SlowQuery
from monitoring.models.requests import SlowRequest
from monitoring.models.series import Hour, LatencySketch, MinuteChunk, Process, Second, Series, Watermark
from monitoring.models.totals import Total

__all__ = [
    "Alert",
    "AlertGroup",
    "AlertQuerySet",
    "AlertRule",
    "AlertState",
    "AuditEntry",
    "BreakerOverride",
    "Channel",
    "DrillResult",
    "Evaluation",
    "Event",
    "EventQuerySet",
    "Hour",
    "LatencySketch",
    "MinuteChunk",
    "Notification",
    "NotificationQuerySet",
    "Process",
    "QueryPolicy",
    "QueryUse",
    "ReadinessResult",
    "Second",
    "Series",
    "Severity",
    "Silence",
    "SilenceQuerySet",
    "SlowQuery",
    "SlowRequest",
    "Total",
    "Transition",
    "Watermark",
]
