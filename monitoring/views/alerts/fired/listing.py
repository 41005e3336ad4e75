"""The list of alerts: what fires, what is about to, what is kept quiet, and what ended in the range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitoring import alerts
from monitoring.formats import at
from monitoring.models import Alert, AlertState, Severity
from monitoring.views.alerts import words
from monitoring.views.alerts.frame import Choice, address
from monitoring.views.alerts.words import Mark, counted

MOST = 100
STATES = {"": "All", "firing": "Firing", "pending": "Pending", "quiet": "Silenced", "resolved": "Resolved"}
SEVERITIES = tuple((severity.value, severity.label) for severity in reversed(Severity))
UNFIRED = (AlertState.Phase.PENDING, AlertState.Phase.NO_DATA, AlertState.Phase.ERROR)
NEED = {"firing": 0, "pending": 1, "quiet": 2, "resolved": 3}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address asks for; a value that does not exist filters nothing."""

    state: str = ""
    severity: str = ""
    q: str = ""

    @property
    def is_on(self) -> bool:
        return bool(self.state or self.severity or self.q)

    @property
    def words(self) -> str:
        said = (STATES[self.state].lower() if self.state else "", self.severity, f"“{self.q}”" if self.q else "")
        return ", ".join(word for word in said if word)

    def as_state(self, **changed: str) -> dict[str, str]:
        return {"state": self.state, "severity": self.severity, "q": self.q} | changed


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list. `state` is the filter that it belongs to."""

    key: str
    state: str
    mark: Mark
    title: str
    age: str
    value: str
    beside: str
    severity: str
    found: str  # what a text is looked for in
    need: tuple[int, ...]
    is_seen: bool = False
    is_unknown: bool = False  # there is nothing to judge
    href: str = ""
    is_chosen: bool = False

    @property
    def is_over(self) -> bool:
        return self.state == "resolved"


def wanted(asked: dict[str, str]) -> Wanted:
    state, severity = asked.get("state", ""), asked.get("severity", "")
    return Wanted(
        state if state in STATES else "", severity if severity in Severity.values else "", asked.get("q", "")[:100]
    )


def rows(start: datetime, end: datetime, now: datetime) -> list[Row]:
    """All that are open, those that need somebody first, and those that ended between `start` and `end`."""
    found = present(alerts.firing(now, limit=MOST), now)
    ended = [of_ended(alert, now) for alert in Alert.objects.resolved_between(start, end)[:MOST]]
    return sorted(found, key=lambda row: row.need) + ended


def present(open_: Iterable[Alert], now: datetime) -> list[Row]:
    """The alerts that are open, and the instances that have not fired."""
    states = AlertState.objects.filter(phase__in=UNFIRED, alert=None, rule__is_enabled=True)
    waiting = states.select_related("rule").order_by("since")[:MOST]
    return [*(of_alert(alert, now) for alert in open_), *(of_state(state, now) for state in waiting)]


def of_alert(alert: Alert, now: datetime) -> Row:
    """An alert that is open; `alerts.firing` has told its silence."""
    silence, quiet = getattr(alert, "silence", None), is_quiet(alert, now)
    is_seen = alert.acknowledged_at is not None
    return Row(
        key=str(alert.pk),
        state="quiet" if quiet else "firing",
        mark=words.of_alert(alert, silence, now),
        title=titled(alert.title, alert.instance),
        age=words.lasted(alert.firing_since, now),
        value=value_now(alert),
        beside=_beside(alert, now),
        severity=alert.severity,
        found=f"{alert.title} {alert.rule_name} {alert.instance}",
        is_seen=is_seen,
        need=(
            NEED["quiet" if quiet else "firing"],
            int(alert.phase == AlertState.Phase.RECOVERING) * 3 - Severity(alert.severity).rank,
            int(is_seen),
            int(alert.firing_since.timestamp()),
        ),
    )


def is_quiet(alert: Alert, now: datetime) -> bool:
    """Whether somebody chose that nobody is told of it now."""
    return getattr(alert, "silence", None) is not None or words.is_snoozed(alert, now)


def of_state(state: AlertState, now: datetime) -> Row:
    """An instance that has not fired: its clock runs, or there is nothing to judge."""
    since = datetime.fromtimestamp(state.since, tz=now.tzinfo)
    is_pending = state.phase == AlertState.Phase.PENDING
    due = since + timedelta(seconds=state.rule.for_s)
    value = alerts.written(state.rule, state.value) + " now" if state.value is not None else "nothing to judge"
    severity = state.severity or state.rule.severity.value
    return Row(
        key=str(state.pk),
        state="pending",
        mark=words.of_state(state),
        title=titled(state.rule.title, instance_of(state)),
        age=words.lasted(since, now),
        value=value,
        beside=f"fires at {at(due, '%H:%M:%S')} if it stays" if is_pending else state.why,
        severity=severity,
        found=f"{state.rule.title} {state.rule.name} {instance_of(state)}",
        need=(NEED["pending"], int(not is_pending), -Severity(severity).rank, state.since),
        is_unknown=not is_pending,
    )


def of_ended(alert: Alert, now: datetime) -> Row:
    ended = alert.resolved_at or now
    peak = f", peak {alerts.written_as(alert.peak, alert.unit)}" if alert.peak is not None else ""
    return Row(
        key=str(alert.pk),
        state="resolved",
        mark=words.RESOLVED,
        title=titled(alert.title, alert.instance),
        age=words.moment(ended, now),
        value=f"fired {words.lasted(alert.firing_since, ended)}{peak}",
        beside="" if not alert.acknowledged_by else f"acknowledged by {alert.acknowledged_by}",
        severity=alert.worst,
        found=f"{alert.title} {alert.rule_name} {alert.instance}",
        need=(NEED["resolved"],),
    )


def fitting(found: Iterable[Row], by: Wanted) -> list[Row]:
    """Those with the wanted severity and text, of any state."""
    text = by.q.lower()
    return [
        row
        for row in found
        if (not by.severity or row.severity == by.severity) and (not text or text in row.found.lower())
    ]


def states(fits: Iterable[Row], by: Wanted, range_name: str) -> list[Choice]:
    """The filter of states, each with how many there are."""
    counts = Counter(row.state for row in fits)
    counts[""] = counts.total()
    kept = {"range": range_name}
    return [
        Choice(key or "all", word, address("alerts", kept | by.as_state(state=key)), counts[key], key == by.state)
        for key, word in STATES.items()
    ]


def about(found: Iterable[Row]) -> str:
    """How many in which state, worst first."""
    counts = Counter(row.state for row in found)
    said = [f"{counts['firing']} firing"] if counts["firing"] else ["nothing fires"]
    said += [
        f"{counts[state]} {word}" for state, word in (("pending", "pending"), ("quiet", "silenced")) if counts[state]
    ]
    return ", ".join(said)


def titled(title: str, instance: str) -> str:
    return f"{title}: {instance}" if instance else title


def instance_of(state: AlertState) -> str:
    """What the pattern's * stands for, if the rule has one."""
    if "*" not in state.rule.metric:
        return ""
    return " ".join(str(value) for value in state.labels.values())


def value_now(alert: Alert) -> str:
    if alert.is_no_data or alert.value is None:
        return "no data"
    return f"{alerts.written_as(alert.value, alert.unit)} now"


def _beside(alert: Alert, now: datetime) -> str:
    silence = getattr(alert, "silence", None)
    if silence is not None:
        return f"by {silence.author} until {words.moment(silence.ends_at, now)}"
    if alert.snoozed_until is not None and alert.snoozed_until > now:
        return f"until {words.moment(alert.snoozed_until, now)}"
    if alert.acknowledged_at is not None:
        return f"acknowledged by {alert.acknowledged_by}"
    return "told with a worse one" if alert.is_inhibited else "not acknowledged"


def several(count: int) -> str:
    return counted(count, "alert")
