"""What a notification says: built once as data, kept in the outbox, and written as mail or chat when it is sent.

{"id", "about": "firing | resolved | repeat | notice | test", "group", "environment", "at", "truncated",
 "alerts": [{"id", "rule", "title", "severity", "state", "labels", "instance", "value", "unit", "threshold", "said",
             "firing_since", "resolved_at", "is_flapping", "acknowledged_by", "recommendation", "link", "changes"}]}

A notice has one such entry, whose state is "notice", and which no rule stands behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from monitoring.alerts.rules.words import link, written_as
from monitoring.models import Alert, Notification, Severity

ALERTS: Final = 20
CHANGES: Final = 3
Message = dict[str, Any]


def build(id: UUID, about: str, group: str, alerts: Sequence[Alert], *, now: datetime) -> Message:
    """The message about these alerts, the worst first."""
    return {
        "id": str(id),
        "about": about,
        "group": group,
        "environment": settings.HOLDFAST_ENVIRONMENT,
        "at": now.isoformat(),
        "alerts": [_alert(alert) for alert in alerts[:ALERTS]],
        "truncated": max(0, len(alerts) - ALERTS),
    }


def test(id: UUID, *, now: datetime) -> Message:
    """What the test button sends."""
    return build(id, "test", "test", [], now=now)


def notice(id: UUID, title: str, text: str, *, severity: Severity, link: str, now: datetime) -> Message:
    """The message about something that isn't an alert; `link` is a path of the console."""
    entry: Message = {
        "id": str(id),
        "rule": "",
        "title": title,
        "severity": str(severity),
        "state": Notification.About.NOTICE.value,
        "labels": {},
        "instance": "",
        "value": None,
        "unit": "",
        "threshold": None,
        "said": text,
        "firing_since": now.isoformat(),
        "resolved_at": None,
        "is_flapping": False,
        "acknowledged_by": "",
        "recommendation": "",
        "link": f"{settings.HOLDFAST_URL.rstrip('/')}{link}",
        "changes": [],
    }
    group = f"{Notification.About.NOTICE.value}:{link}"[:300]
    return build(id, Notification.About.NOTICE.value, group, [], now=now) | {"alerts": [entry]}


def subject(message: Message) -> str:
    """One line: [critical] More than 1,000 jobs wait (local)."""
    place = message["environment"]
    if message["about"] == "test":
        return f"[test] Holdfast can reach you ({place})"
    alerts = message["alerts"]
    fires = [alert for alert in alerts if alert["state"] != "resolved"]
    first = (fires or alerts)[0]
    mark = first["severity"] if fires else "resolved"
    again = "still " if message["about"] == Notification.About.REPEAT else ""
    more = len(alerts) + message["truncated"] - 1
    others = f" and {more} more" if more else ""
    return f"[{again}{mark}] {heading(first)}{others} ({place})"


def body(message: Message) -> str:
    """All of it as plain text."""
    if message["about"] == "test":
        return "This is a test. Alerts that this channel is chosen for will arrive here.\n"
    parts = [_told(alert) for alert in message["alerts"]]
    if message["truncated"]:
        parts.append(f"… and {message['truncated']} more.")
    return "\n\n".join(parts) + "\n"


def heading(alert: Message) -> str:
    return f"{alert['title']} ({alert['instance']})" if alert["instance"] else str(alert["title"])


def _told(alert: Message) -> str:
    lines = [
        f"{alert['severity'].upper() if alert['state'] != 'resolved' else 'RESOLVED'}  {heading(alert)}",
        alert["said"],
    ]
    if alert["is_flapping"]:
        lines.append("It fires again and again.")
    if alert["acknowledged_by"]:
        lines.append(f"{alert['acknowledged_by']} has taken it on.")
    if alert["state"] != "resolved":
        lines += [f"Before it: {change}" for change in alert["changes"]]
        lines += [f"- {step}" for step in alert["recommendation"].splitlines()]
    return "\n".join([*lines, alert["link"]]).rstrip()


def _alert(alert: Alert) -> Message:
    state = "resolved" if alert.resolved_at else alert.phase
    return {
        "id": str(alert.pk),
        "rule": alert.rule_name,
        "title": alert.title,
        "severity": str(alert.severity),
        "state": state,
        "labels": alert.labels,
        "instance": alert.instance,
        "value": alert.value,
        "unit": alert.unit,
        "threshold": alert.threshold,
        "said": _said(alert),
        "firing_since": alert.firing_since.isoformat(),
        "resolved_at": alert.resolved_at.isoformat() if alert.resolved_at else None,
        "is_flapping": alert.is_flapping,
        "acknowledged_by": alert.acknowledged_by,
        "recommendation": alert.rule.recommendation if alert.rule else "",
        "link": _address(alert),
        "changes": [change["text"] for change in alert.changes[:CHANGES]],
    }


def _said(alert: Alert) -> str:
    if alert.resolved_at:
        return (
            f"{alert.end_reason}: {written_as(alert.value, alert.unit)}, at worst {written_as(alert.peak, alert.unit)}."
        )
    if alert.is_no_data:
        return "There is no data to judge."
    return f"{written_as(alert.value, alert.unit)}; the limit is {written_as(alert.threshold, alert.unit)}."


def _address(alert: Alert) -> str:
    """The alert's page, or else the one that shows why; absolute where HOLDFAST_URL is known."""
    base = settings.HOLDFAST_URL.rstrip("/")
    try:
        return f"{base}{reverse('alerts')}?alert={alert.pk}"
    except NoReverseMatch:
        return link(alert.rule, alert, base) if alert.rule else base
