"""The API's group of the audit log: who did what. It needs a key with scope admin."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from ninja.errors import HttpError

from monitoring import audit
from monitoring.api.events import aware
from monitoring.models.paging import page

router = Router(tags=["audit"])
MONTH = timedelta(days=30)


class EntryOut(Schema):
    id: UUID
    at: datetime
    actor: str
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str
    request_id: str


class Entries(Schema):
    items: list[EntryOut]
    next: UUID | None


@router.get("", response=Entries, url_name="audit")
def list_audit(
    request: HttpRequest,
    since: Annotated[datetime | None, Query(None)] = None,
    until: Annotated[datetime | None, Query(None)] = None,
    actor: Annotated[str, Query("", max_length=150)] = "",
    action: Annotated[str, Query("", max_length=64)] = "",
    subject: Annotated[str, Query("", max_length=300)] = "",
    text: Annotated[str, Query("", max_length=100)] = "",
    cursor: Annotated[UUID | None, Query(None)] = None,
    limit: Annotated[int, Query(50, ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """What people changed from `since` (30 days ago) until `until` (now), the latest first; `action` may be a noun."""
    caller: Any = request.auth  # type: ignore[attr-defined]  # keys are not ours
    caller.require("admin")
    end = aware(until or timezone.now())
    rows = audit.find(
        start=aware(since or end - MONTH), end=end, actor=actor, action=action, subject=subject, text=text
    )
    try:
        found = page(rows, after=cursor, limit=limit)
    except ValueError as problem:
        raise HttpError(422, f"The cursor names no entry: {problem}") from None
    return {"items": found.rows, "next": found.next}
