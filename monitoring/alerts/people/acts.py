"""What somebody does about one alert: takes it on, gives it back, puts it off. And its story, deliveries included."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from monitoring import audit
from monitoring.alerts.errors import RefusedError
from monitoring.alerts.judge.episodes import add_step
from monitoring.alerts.people.silences import silencing
from monitoring.formats import at, clock
from monitoring.models import Alert, Event, Notification, Silence

SNOOZE: Final = timedelta(days=7)
DELIVERIES: Final = 100


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an alert's story."""

    at: datetime
    word: str
    text: str
    actor: str
    tone: str


@transaction.atomic
def acknowledge(alert_id: UUID, *, actor: str, note: str, now: datetime) -> Alert:
    """Somebody takes it on: nobody is reminded any more, only told when it gets worse or resolves."""
    alert = _open(alert_id)
    alert.acknowledged_at, alert.acknowledged_by, alert.note = now, actor, note.strip()[:500]
    add_step(alert, now, "acknowledged", alert.note or "Taken on", actor=actor, tone=Event.Tone.HAND)
    alert.save(update_fields=["acknowledged_at", "acknowledged_by", "note", "steps"])
    _record("acknowledge", alert, {"note": alert.note}, actor=actor, reason=note, now=now)
    return alert


@transaction.atomic
def unacknowledge(alert_id: UUID, *, actor: str, reason: str, now: datetime) -> Alert:
    """Nobody has it any more: reminders go on."""
    alert = _open(alert_id)
    before = alert.acknowledged_by
    alert.acknowledged_at, alert.acknowledged_by, alert.note = None, "", ""
    add_step(alert, now, "given back", reason or "Given back", actor=actor, tone=Event.Tone.HAND)
    alert.save(update_fields=["acknowledged_at", "acknowledged_by", "note", "steps"])
    _record("unacknowledge", alert, {"acknowledged_by": before}, actor=actor, reason=reason, now=now)
    return alert


@transaction.atomic
def snooze(alert_id: UUID, *, until: datetime, actor: str, reason: str, now: datetime) -> Alert:
    """Nobody is told of this alert until then; if it still fires, they are told again. `until` now ends a snooze."""
    if not now <= until <= now + SNOOZE:
        raise RefusedError.one("until", "an alert is put off for up to a week", "Choose a time from now on")
    alert = _open(alert_id)
    alert.snoozed_until = until if until > now else None
    text = f"Put off until {at(until, '%d %b')} {clock(until)}" if until > now else "Put off no more"
    add_step(alert, now, "snoozed", f"{text}: {reason}" if reason else text, actor=actor, tone=Event.Tone.HAND)
    alert.save(update_fields=["snoozed_until", "steps"])
    _record("snooze", alert, {"until": until}, actor=actor, reason=reason, now=now)
    return alert


def firing(now: datetime, limit: int = 100) -> list[Alert]:
    """The open alerts, worst first; each with `silence` (None where it has none) and `is_quiet` (nobody is told)."""
    alerts = list(Alert.objects.open().worst_first().select_related("rule")[:limit])
    silences = silencing(alerts, now)
    for alert in alerts:
        with_silence(alert, silences.get(alert.pk), now)
    return alerts


def with_silence(alert: Alert, silence: Silence | None, now: datetime) -> None:
    """Marks an alert with whether anybody is told of it."""
    is_snoozed = alert.snoozed_until is not None and alert.snoozed_until > now
    alert.silence = silence
    alert.is_quiet = silence is not None or is_snoozed or alert.is_inhibited


def deliveries(alert: Alert) -> list[Notification]:
    """What was told of it, the latest first."""
    return list(Notification.objects.about(alert).select_related("channel")[:DELIVERIES])


def timeline(alert: Alert) -> list[Step]:
    """Its whole story, the latest first."""
    steps = [_step(each) for each in alert.steps]
    for row in deliveries(alert):
        said, tone = {
            Notification.State.SENT: (f"{row.channel.name} was told: {row.about}", Event.Tone.OK),
            Notification.State.DEAD: (f"{row.channel.name} could not be told: {row.error}", Event.Tone.CRIT),
        }.get(Notification.State(row.state), (f"{row.channel.name} is being told: {row.about}", Event.Tone.INFO))
        steps.append(Step(row.sent_at or row.created_at, "delivery", said, "", tone))
    return sorted(steps, key=lambda step: step.at, reverse=True)


def _step(packed: dict[str, Any]) -> Step:
    moment = datetime.fromisoformat(packed["at"])
    return Step(moment, packed["word"], packed["text"], packed.get("actor", ""), packed.get("tone", Event.Tone.INFO))


def _open(alert_id: UUID) -> Alert:
    """Locked: the evaluation writes the same row. Raises Alert.DoesNotExist, RefusedError for one that has ended."""
    alert = Alert.objects.select_for_update().get(pk=alert_id)
    if alert.resolved_at is not None:
        raise RefusedError.one("alert", "it has resolved already", "There is nothing left to do about it")
    return alert


def _record(verb: str, alert: Alert, after: dict[str, Any], *, actor: str, reason: str, now: datetime) -> None:
    audit.record(actor=actor, action=f"alert.{verb}", subject=str(alert), after=after, reason=reason, at=now)
