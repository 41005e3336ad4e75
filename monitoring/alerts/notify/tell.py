"""Tells people of a step that isn't an alert, such as a rollout's: a row of the outbox per channel, in the caller's
transaction, so that what was done and what is told of it stand or fall together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from monitoring.alerts.channels.message import notice
from monitoring.ids import uuid7
from monitoring.models import Channel, Notification, Severity

TITLE: Final = 120
TEXT: Final = 2000
CHANNELS: Final = 100


def tell(title: str, text: str, *, severity: Severity, link: str, now: datetime) -> int:
    """Every enabled channel but heartbeats is told; how many. `link` is a path of the console.

    What has the same link arrives in the order in which it was told.
    """
    channels = Channel.objects.filter(is_enabled=True).exclude(kind=Channel.Kind.HEARTBEAT)[:CHANNELS]
    rows = []
    for channel in channels:
        id = uuid7()
        message = notice(id, title[:TITLE], text[:TEXT], severity=severity, link=link, now=now)
        rows.append(
            Notification(
                id=id,
                key=id.hex,
                group=message["group"],
                channel=channel,
                about=Notification.About.NOTICE,
                alerts=[],
                message=message,
                due_at=now,
                created_at=now,
            )
        )
    return len(Notification.objects.bulk_create(rows))
