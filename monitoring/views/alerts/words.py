"""The alerts' states in words, each with its tone and icon, and moments as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring.alerts import ATTEMPTS
from monitoring.formats import age, at
from monitoring.models import Alert, AlertState, Notification, Severity, Silence

TONES = {Severity.CRITICAL: "crit", Severity.WARNING: "warn", Severity.INFO: "info"}
ICONS = {Severity.CRITICAL: "crit", Severity.WARNING: "warn", Severity.INFO: "info"}


@dataclass(frozen=True, slots=True)
class Mark:
    """A state: its word, tone and icon."""

    word: str
    tone: str
    icon: str


PENDING = Mark("Pending", "off", "clock")
RECOVERING = Mark("Recovering", "info", "half")
RESOLVED = Mark("Resolved", "ok", "check")
SILENCED = Mark("Silenced", "hand", "mute")
SNOOZED = Mark("Snoozed", "hand", "pause")
INHIBITED = Mark("Told with a worse one", "off", "merge")
ACKNOWLEDGED = Mark("Acknowledged", "hand", "tick")
FLAPPING = Mark("Flapping", "warn", "reset")
NORMAL = Mark("Normal", "off", "check")
NO_DATA = Mark("No data", "off", "plug")
BROKEN = Mark("Cannot be judged", "warn", "warn")
OFF = Mark("Off", "off", "power")


def fired(severity: str) -> Mark:
    """Firing, with how bad it is."""
    level = Severity(severity)
    return Mark(f"Firing, {level.value}", TONES[level], ICONS[level])


def of_alert(alert: Alert, silence: Silence | None, now: datetime) -> Mark:
    """What somebody who looks at the list has to know of it first."""
    if alert.resolved_at is not None:
        return RESOLVED
    if silence is not None:
        return SILENCED
    if is_snoozed(alert, now):
        return SNOOZED
    return RECOVERING if alert.phase == AlertState.Phase.RECOVERING else fired(alert.severity)


def also(alert: Alert, silence: Silence | None, now: datetime) -> list[Mark]:
    """What else is so, beside the first."""
    if alert.resolved_at is not None:
        return []
    is_quiet = silence is not None or is_snoozed(alert, now)
    given = (
        (is_quiet, fired(alert.severity)),
        (alert.acknowledged_at is not None, ACKNOWLEDGED),
        (alert.is_flapping, FLAPPING),
        (alert.is_inhibited, INHIBITED),
    )
    return [mark for is_so, mark in given if is_so]


def of_state(state: AlertState) -> Mark:
    """Of an instance that has no alert."""
    marks = {
        AlertState.Phase.PENDING: PENDING,
        AlertState.Phase.NO_DATA: NO_DATA,
        AlertState.Phase.ERROR: BROKEN,
    }
    return marks.get(AlertState.Phase(state.phase), NORMAL)


def of_delivery(row: Notification) -> Mark:
    """How far a notification is."""
    if row.state == Notification.State.SENT:
        return Mark("Sent", "ok", "check")
    if row.state == Notification.State.DEAD:
        return Mark("Given up", "crit", "crit")
    if row.attempts and row.error:
        return Mark(f"Retry {row.attempts} of {ATTEMPTS - 1}", "warn", "reset")
    return (
        Mark("Sending", "info", "play") if row.state == Notification.State.SENDING else Mark("Waiting", "off", "clock")
    )


def is_snoozed(alert: Alert, now: datetime) -> bool:
    return alert.snoozed_until is not None and alert.snoozed_until > now


def moment(of: datetime, now: datetime) -> str:
    """14:12 of today, otherwise with the day; in the zone that is chosen."""
    is_today = at(of, "%Y-%m-%d") == at(now, "%Y-%m-%d")
    return at(of, "%H:%M") if is_today else at(of, "%d %b %H:%M").lstrip("0")


def lasted(start: datetime, end: datetime) -> str:
    return age(max(0.0, (end - start).total_seconds()))


def counted(count: int, word: str, words: str = "") -> str:
    """1 rule, 3 rules."""
    return f"{count:,} {word if count == 1 else words or word + 's'}"


def compact(seconds: float) -> str:
    """A length of time as forms take it: 30s, 5m, 6h, 3d."""
    for size, letter in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds / size:.0f}{letter}"
    return f"{seconds:g}s"


def in_seconds(text: str) -> int:
    """What `compact` writes, and plain seconds. Raises ValueError for anything else."""
    found = re.fullmatch(r"(\d{1,9})\s*(s|m|min|h|d)?", text.strip())
    if found is None:
        raise ValueError(f"{text[:20]!r} is no length of time")
    return int(found[1]) * {"m": 60, "min": 60, "h": 3600, "d": 86_400}.get(found[2] or "s", 1)


def hours(text: str) -> timedelta:
    """The length that a choice of hours names."""
    return timedelta(hours=float(text))
