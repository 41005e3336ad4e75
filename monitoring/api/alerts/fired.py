"""Alerts: those that fire and those that ended, and taking them on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from monitoring import alerts
from monitoring.api.alerts.asked import Cursor, Limit, found, naming_the_field, newest_first, operator
from monitoring.api.alerts.schemas import AlertOut, Alerts, Note, Reason, Snooze
from monitoring.models import Alert, Severity

router = Router(tags=["alerts"])
State = Literal["open", "firing", "recovering", "resolved"]
SAME = (
    *("id", "title", "instance", "severity", "value", "peak", "threshold", "clear", "unit", "pending_since"),
    *("firing_since", "resolved_at", "acknowledged_at", "acknowledged_by", "note", "snoozed_until"),
)


@router.get("", response=Alerts, url_name="alerts")
def list_alerts(
    request: HttpRequest,
    limit: Limit,
    cursor: Cursor,
    state: Annotated[State | None, Query(None, description="`open` is firing or recovering.")] = None,
    severity: Annotated[Severity | None, Query(None)] = None,
) -> dict[str, Any]:
    """Alerts, newest first, and when rules were judged last."""
    rows = Alert.objects.select_related("rule")
    if state == "open":
        rows = rows.open()
    elif state is not None:
        rows = rows.filter(phase=state)
    page, following = newest_first(rows.of(severity) if severity else rows, cursor=cursor, limit=limit)
    evaluated = alerts.evaluated(timezone.now())
    return {
        "items": _shown(page),
        "next": following,
        "evaluated_at": evaluated.at,
        "is_late": evaluated.is_late,
    }


@router.get("/{uuid:id}", response=AlertOut, url_name="alert")
def get_alert(request: HttpRequest, id: UUID) -> dict[str, Any]:
    """One alert: its value against its threshold, who has it, and what to do."""
    return _one(id)


@router.post("/{uuid:id}/acknowledge", response=AlertOut, url_name="alert_acknowledge")
def acknowledge(request: HttpRequest, id: UUID, body: Note) -> dict[str, Any]:
    """Take it on: others see that somebody has it, and the reminders stop."""
    actor = operator(request)
    with naming_the_field():
        alerts.acknowledge(_found(id).pk, actor=actor, note=body.note, now=timezone.now())
    return _one(id)


@router.post("/{uuid:id}/unacknowledge", response=AlertOut, url_name="alert_unacknowledge")
def unacknowledge(request: HttpRequest, id: UUID, body: Reason) -> dict[str, Any]:
    """Give it back: nobody has it, and the reminders go on."""
    actor = operator(request)
    with naming_the_field():
        alerts.unacknowledge(_found(id).pk, actor=actor, reason=body.reason, now=timezone.now())
    return _one(id)


@router.post("/{uuid:id}/snooze", response=AlertOut, url_name="alert_snooze")
def snooze(request: HttpRequest, id: UUID, body: Snooze) -> dict[str, Any]:
    """Tell nobody of this one for some hours, at most seven days."""
    actor, now = operator(request), timezone.now()
    with naming_the_field():
        until = now + timedelta(hours=body.hours)
        alerts.snooze(_found(id).pk, until=until, actor=actor, reason=body.reason, now=now)
    return _one(id)


def _found(id: UUID) -> Alert:
    return found(Alert.objects.select_related("rule"), id)


def _one(id: UUID) -> dict[str, Any]:
    return _shown([_found(id)])[0]


def _shown(rows: Sequence[Alert]) -> list[dict[str, Any]]:
    silences = alerts.silences_of([row for row in rows if row.resolved_at is None], timezone.now())
    return [_alert(row, silences.get(row.pk)) for row in rows]


def _alert(alert: Alert, silence: Any) -> dict[str, Any]:
    rule = alert.rule
    advice = rule.recommendation.splitlines() if rule else []
    return {name: getattr(alert, name) for name in SAME} | {
        "rule": alert.rule_name,
        "labels": {name: str(value) for name, value in alert.labels.items()},
        "state": alert.phase,
        "silenced_until": silence.ends_at if silence else None,
        "recommendation": [line for line in advice if line.strip()],
        "link": alerts.link(rule, alert) if rule else "",
    }
