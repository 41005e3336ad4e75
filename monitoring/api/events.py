"""The API's group of events: what happened, for whoever annotates their own charts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from ninja.errors import HttpError

from monitoring import events
from monitoring.models.paging import page

router = Router(tags=["events"])
DAY = timedelta(days=1)


class EventOut(Schema):
    id: UUID
    at: datetime
    kind: str
    tone: str
    text: str
    actor: str


class Events(Schema):
    items: list[EventOut]
    next: UUID | None


@router.get("", response=Events, url_name="events")
def list_events(
    request: HttpRequest,
    since: Annotated[datetime | None, Query(None)] = None,
    until: Annotated[datetime | None, Query(None)] = None,
    kind: Annotated[str, Query("", max_length=32)] = "",
    tone: Annotated[str, Query("", max_length=4)] = "",
    text: Annotated[str, Query("", max_length=100)] = "",
    cursor: Annotated[UUID | None, Query(None)] = None,
    limit: Annotated[int, Query(50, ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """What happened from `since` (a day ago) until `until` (now), the latest first."""
    end = aware(until or timezone.now())
    rows = events.find(start=aware(since or end - DAY), end=end, kind=kind, tone=tone, text=text)
    try:
        found = page(rows, after=cursor, limit=limit)
    except ValueError as problem:
        raise HttpError(422, f"The cursor names no event: {problem}") from None
    return {"items": found.rows, "next": found.next}


def aware(moment: datetime) -> datetime:
    """Times without a zone are UTC."""
    return moment if moment.tzinfo else timezone.make_aware(moment, timezone.get_default_timezone())
