"""Events: what charts are annotated with."""

from __future__ import annotations

from datetime import datetime

from monitoring.models import Event


def record(*, kind: str, text: str, at: datetime, tone: str = Event.Tone.INFO, actor: str = "") -> Event:
    """Writes one event, its text cut to 200 characters. Raises ValueError for an unknown tone or a naive time."""
    if tone not in Event.Tone.values:
        raise ValueError(f"tone must be one of {', '.join(Event.Tone.values)}, got {tone!r}")
    if at.tzinfo is None:
        raise ValueError(f"an event's time must be aware, got {at.isoformat()}")
    if len(text) > Event.TEXT_LENGTH:
        text = f"{text[: Event.TEXT_LENGTH - 1]}…"
    return Event.objects.create(kind=kind, text=text, tone=tone, actor=actor, at=at)


def between(start: datetime, end: datetime, limit: int = 50) -> list[Event]:
    """The latest `limit` events of [start, end), the latest first."""
    return list(Event.objects.between(start, end)[:limit])
