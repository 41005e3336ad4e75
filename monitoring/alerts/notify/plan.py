"""Puts what channels have to be told into the outbox: row and standing in one transaction, so nothing is told twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from monitoring.alerts.channels.message import build
from monitoring.alerts.notify.decide import FLAPPING, Standing, Tell, decide
from monitoring.alerts.notify.quiet import inhibited
from monitoring.alerts.people.silences import silencing
from monitoring.ids import uuid7
from monitoring.models import Alert, AlertGroup, AlertRule, Channel, Notification, Severity

OPEN: Final = 2_000  # open alerts that are looked at, the worst first
FORGOTTEN: Final = timedelta(days=1)  # after which a group that has nothing to tell is dropped
Place = tuple[str, UUID]  # a group's key and its channel


@dataclass(slots=True)
class _Told:
    """What may and may not be told in one group to one channel."""

    firing: dict[str, str] = field(default_factory=dict)
    muted: set[str] = field(default_factory=set)
    reminded: set[str] = field(default_factory=set)


@transaction.atomic
def plan(now: datetime) -> int:
    """Adds the notifications that are due; how many. Two that plan at once make one."""
    channels = {row.pk: row for row in Channel.objects.filter(is_enabled=True).exclude(kind=Channel.Kind.HEARTBEAT)}
    alerts = list(Alert.objects.open().worst_first().select_related("rule")[:OPEN])
    _mark_inhibited(alerts)
    if not channels:
        return 0
    wanted = _wanted(alerts, list(channels.values()), now)
    groups = _groups(wanted, channels)
    added = 0
    for place, group in groups.items():
        added += _plan_group(group, wanted.get(place, _Told()), channels[group.channel_id], alerts, now)
    return added


def group_key(rule: AlertRule) -> str:
    """What alerts are told together: those of rules with the same labels that are equally bad at worst."""
    labels = ",".join(f"{name}={value}" for name, value in sorted(rule.labels.items())) or rule.name
    return f"{rule.severity.value}:{labels}"[:300]


def _mark_inhibited(alerts: Sequence[Alert]) -> None:
    found = inhibited(alerts)
    changed = [alert for alert in alerts if alert.is_inhibited is not (alert.pk in found)]
    for alert in changed:
        alert.is_inhibited = alert.pk in found
    for is_inhibited in (True, False):
        ids = [alert.pk for alert in changed if alert.is_inhibited is is_inhibited]
        if ids:
            Alert.objects.filter(pk__in=ids).update(is_inhibited=is_inhibited)


def _wanted(alerts: Sequence[Alert], channels: Sequence[Channel], now: datetime) -> dict[Place, _Told]:
    """Per group and channel what fires."""
    silenced = silencing(alerts, now)
    found: dict[Place, _Told] = {}
    for alert in alerts:
        if alert.rule is None:
            continue  # it ends with the next evaluation
        is_snoozed = alert.snoozed_until is not None and alert.snoozed_until > now
        for channel in channels:
            if alert.rule.channels and channel.name not in alert.rule.channels:
                continue
            told = found.setdefault((group_key(alert.rule), channel.pk), _Told())
            if alert.pk in silenced or is_snoozed or alert.is_inhibited:
                told.muted.add(str(alert.pk))
                continue
            told.firing[str(alert.pk)] = f"{Severity(alert.severity).value}{FLAPPING if alert.is_flapping else ''}"
            if alert.acknowledged_at is None:
                told.reminded.add(str(alert.pk))
    return found


def _groups(wanted: Mapping[Place, _Told], channels: Mapping[UUID, Channel]) -> dict[Place, AlertGroup]:
    """The rows of all groups of these channels, locked, with those that are new."""
    there = set(AlertGroup.objects.values_list("key", "channel_id"))
    new = [AlertGroup(key=key, channel_id=channel) for key, channel in wanted if (key, channel) not in there]
    AlertGroup.objects.bulk_create(new, ignore_conflicts=True)
    rows = AlertGroup.objects.select_for_update().filter(channel__in=list(channels)).order_by("id")
    return {(row.key, row.channel_id): row for row in rows}


def _plan_group(group: AlertGroup, told: _Told, channel: Channel, alerts: Sequence[Alert], now: datetime) -> int:
    before = Standing(group.told, group.told_at, group.waiting_since)
    after, tell = decide(before, told.firing, told.muted, told.reminded, now)
    if tell is not None:
        group.round += 1
        _notify(group, channel, tell, told.firing, alerts, now)
    elif not after.told and after.waiting_since is None and group.told_at and now - group.told_at > FORGOTTEN:
        group.delete()
        return 0
    if after != before or tell is not None:
        group.told, group.told_at, group.waiting_since = dict(after.told), after.told_at, after.waiting_since
        group.save(update_fields=["told", "told_at", "waiting_since", "round"])
    return int(tell is not None)


def _notify(
    group: AlertGroup, channel: Channel, tell: Tell, said: Mapping[str, str], alerts: Sequence[Alert], now: datetime
) -> None:
    by_id = {str(alert.pk): alert for alert in alerts}
    ended = {str(alert.pk): alert for alert in Alert.objects.filter(pk__in=tell.resolved).select_related("rule")}
    subjects = [by_id[id] for id in by_id if id in set(tell.firing)] + [
        ended[id] for id in tell.resolved if id in ended
    ]
    if not subjects:
        return  # what had been told is forgotten since
    id = uuid7()
    Notification.objects.create(
        id=id,
        key=_key(group, tell, said),
        group=group.key,
        channel=channel,
        about=tell.about,
        alerts=[alert.pk for alert in subjects],
        message=build(id, tell.about.value, group.key, subjects, now=now),
        due_at=now,
        created_at=now,
    )


def _key(group: AlertGroup, tell: Tell, said: Mapping[str, str]) -> str:
    """The same message to the same channel in the same round has the same key, whoever plans it."""
    firing = _hash([[id, said[id]] for id in tell.firing])
    parts = [group.key, str(group.channel_id), firing, _hash(list(tell.resolved)), group.round]
    return _hash(parts)


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
