"""Silences: what keeps alerts from notifying, looked at before it is made."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Status

from monitoring.alerts import silences
from monitoring.alerts.people.silences import Matcher
from monitoring.api.alerts.asked import Cursor, Limit, found, naming_the_field, newest_first, operator
from monitoring.api.alerts.schemas import Matchers, Preview, Reason, SilenceIn, SilenceOut, Silences
from monitoring.models import Silence

router = Router(tags=["alerts"])
SHOWN = 100


@router.get("", response=Silences, url_name="alert_silences")
def list_silences(
    request: HttpRequest,
    limit: Limit,
    cursor: Cursor,
    state: Annotated[Literal["active", "planned", "ended"] | None, Query(None)] = None,
) -> dict[str, Any]:
    """Silences, newest first."""
    now = timezone.now()
    rows = Silence.objects.all()
    if state is not None:
        sets = {"active": rows.active_at(now), "planned": rows.coming_at(now), "ended": rows.filter(ends_at__lte=now)}
        rows = sets[state]
    page, following = newest_first(rows, cursor=cursor, limit=limit)
    return {"items": page, "next": following}


@router.post("/preview", response=Preview, url_name="alert_silence_preview")
def preview_silence(request: HttpRequest, body: Matchers) -> dict[str, Any]:
    """The open alerts that these matchers match now; nothing is made."""
    with naming_the_field():
        matched = silences.preview(_matchers(body), timezone.now())
    items = [{"id": alert.pk, "title": alert.title, "severity": alert.severity} for alert in matched[:SHOWN]]
    return {"count": len(matched), "items": items}


@router.post("", response={201: SilenceOut}, url_name="alert_silences")
def create_silence(request: HttpRequest, body: SilenceIn) -> Status[Any]:
    """Tell nobody of what matches for some hours, from now on or from a later moment."""
    actor, now = operator(request), timezone.now()
    starts_at = body.starts_at or now
    with naming_the_field():
        made = silences.create(
            matchers=_matchers(body),
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=body.hours),
            reason=body.reason,
            actor=actor,
            now=now,
            is_maintenance=starts_at > now,
        )
    return Status(201, made)


@router.post("/{uuid:id}/end", response=SilenceOut, url_name="alert_silence_end")
def end_silence(request: HttpRequest, id: UUID, body: Reason) -> Silence:
    """End a silence now: what still fires is told again."""
    actor = operator(request)
    with naming_the_field():
        silences.end(found(Silence.objects.all(), id).pk, actor=actor, reason=body.reason, now=timezone.now())
    return found(Silence.objects.all(), id)


def _matchers(body: Matchers) -> list[Matcher]:
    return silences.parse("\n".join(f'{each.label}{each.op}"{each.value}"' for each in body.matchers))
