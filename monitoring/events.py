"""Events: what charts are annotated with."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.db.models import Q, QuerySet

from monitoring.models import Event

KINDS = (
    "start",
    "flag",
    "breaker",
    "alert",
    "jobs",
    "cache",
    "settings",
)  # what charts can be told to leave out; others may be added

# by the index on `at`; a kind has a row for each step at most
COUNTED_SQL = """
SELECT kind, floor(extract(epoch FROM at - %s) / %s) AS step, count(*)
FROM monitoring_event WHERE at >= %s AND at < %s GROUP BY 1, 2
"""


def record(*, kind: str, text: str, at: datetime, tone: str = Event.Tone.INFO, actor: str = "") -> Event:
    """Writes one event, its text cut to 200 characters. Raises ValueError for an unknown tone or a naive time."""
    if tone not in Event.Tone.values:
        raise ValueError(f"tone must be one of {', '.join(Event.Tone.values)}, got {tone!r}")
    if at.tzinfo is None:
        raise ValueError(f"an event's time must be aware, got {at.isoformat()}")
    if len(text) > Event.TEXT_LENGTH:
        text = f"{text[: Event.TEXT_LENGTH - 1]}…"
    return Event.objects.create(kind=kind, text=text, tone=tone, actor=actor, at=at)


def find(*, start: datetime, end: datetime, kind: str = "", tone: str = "", text: str = "") -> QuerySet[Event]:
    """The events of [start, end), the latest first; `text` is looked for in their texts and actors."""
    rows = Event.objects.between(start, end)
    if kind:
        rows = rows.filter(kind=kind)
    if tone:
        rows = rows.filter(tone=tone)
    return rows.filter(Q(text__icontains=text) | Q(actor__icontains=text)) if text else rows


def counted(start: datetime, end: datetime, step_s: int) -> dict[str, dict[int, int]]:
    """How many events of each kind began in each step of [start, end)."""
    found: dict[str, dict[int, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(COUNTED_SQL, [start, step_s, start, end])
        for kind, step, count in cursor.fetchall():
            found.setdefault(kind, {})[int(step)] = int(count)
    return found


def between(start: datetime, end: datetime, limit: int = 50) -> list[Event]:
    """The latest `limit` events of [start, end), the latest first."""
    return list(Event.objects.between(start, end)[:limit])
