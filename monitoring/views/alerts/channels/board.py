"""The channels and their deliveries, as the page lists them."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from monitoring.alerts import ATTEMPTS
from monitoring.formats import age
from monitoring.models import Alert, Channel, Notification
from monitoring.views.alerts.fired.detail import CHANNEL_ICONS, delivered
from monitoring.views.alerts.frame import address
from monitoring.views.alerts.words import Mark, counted, of_delivery

MOST: Final = 50
STATES: Final = {"": "All", "waiting": "Waiting", "sent": "Sent", "dead": "Given up"}
OPEN: Final = (Notification.State.WAITING, Notification.State.SENDING)
UNTRIED: Final = Mark("Never used", "off", "clock")
OFF: Final = Mark("Off", "off", "power")


@dataclass(frozen=True, slots=True)
class Line:
    """One channel. What it is sent to is shown as far as it may be seen."""

    name: str
    kind: str
    icon: str
    target: str
    is_on: bool
    is_chosen: bool
    mark: Mark
    last: str
    href: str
    test: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """One notification."""

    mark: Mark
    title: str
    text: str
    channel: str
    attempts: str
    at: datetime
    href: str
    retry: str


def line(channel: Channel, chosen: Channel | None) -> Line:
    mark, last = _standing(channel)
    return Line(
        name=channel.name,
        kind=channel.get_kind_display(),
        icon=CHANNEL_ICONS[Channel.Kind(channel.kind)],
        target=channel.shown,
        is_on=channel.is_enabled,
        is_chosen=chosen is not None and chosen.pk == channel.pk,
        mark=mark,
        last=last,
        href=reverse("alert-channel", args=[channel.pk]),
        test=reverse("alert-channel-test", args=[channel.pk]),
    )


def _standing(channel: Channel) -> tuple[Mark, str]:
    """How the last delivery went, and when."""
    if not channel.is_enabled:
        return OFF, ago(channel.delivered_at)
    if channel.error:
        return Mark("Failing", "crit", "crit"), f"{ago(channel.failed_at)}: {channel.error}"
    return (
        (Mark("Delivers", "ok", "check"), ago(channel.delivered_at)) if channel.delivered_at else (UNTRIED, "test it")
    )


def ago(moment: datetime | None) -> str:
    return f"{age((timezone.now() - moment).total_seconds())} ago" if moment else "never"


def deliveries(state: str) -> tuple[dict[str, int], list[Delivered]]:
    rows = Notification.objects.select_related("channel").order_by("-created_at", "-id")
    sums = Counter({row["state"]: row["n"] for row in Notification.objects.values("state").annotate(n=Count("pk"))})
    counts = {"": sums.total(), "waiting": sum(sums[each] for each in OPEN), "sent": sums["sent"], "dead": sums["dead"]}
    if state:
        rows = rows.filter(state__in=OPEN if state == "waiting" else [state])
    found = list(rows[:MOST])
    titles = dict(
        Alert.objects.filter(pk__in=[key for row in found for key in row.alerts[:1]]).values_list("pk", "title")
    )
    return counts, [_delivered(row, titles) for row in found]


def _delivered(row: Notification, titles: Mapping[uuid.UUID, str]) -> Delivered:
    first = row.alerts[0] if row.alerts else None
    more = f" and {len(row.alerts) - 1} more" if len(row.alerts) > 1 else ""
    return Delivered(
        mark=of_delivery(row),
        title=f"{titles.get(first, 'an alert that is gone')}{more}" if first else "A test",
        text=delivered(row),
        channel=row.channel.name,
        attempts=f"{row.attempts} of {ATTEMPTS}",
        at=row.created_at,
        href=address("alerts", {"alert": str(first)}) if first in titles else "",
        retry=reverse("alert-delivery-retry", args=[row.pk]) if row.state == Notification.State.DEAD else "",
    )


def about(channels: Iterable[Channel]) -> str:
    on = sum(channel.is_enabled for channel in channels)
    failing = sum(bool(channel.error) for channel in channels)
    said = [f"{counted(on, 'channel')} on" if on else "nobody is told"]
    return ", ".join([*said, f"{failing} failing"] if failing else said)
