"""One alert: its state, its rule's chart, what to do, what changed before, its story, who was told, and the rule."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse

from monitoring import alerts, formats
from monitoring.console import charts
from monitoring.console.charts import Chart
from monitoring.formats import zone
from monitoring.metrics.read import Span
from monitoring.models import Alert, AlertRule, AlertState, Channel, Event, Notification, Severity, Silence
from monitoring.views.alerts import words
from monitoring.views.alerts.fired import listing
from monitoring.views.alerts.frame import Act
from monitoring.views.alerts.plot import Tint, draw
from monitoring.views.alerts.words import Mark, lasted

STEP_ICONS = {"ok": "check", "warn": "warn", "crit": "crit", "hand": "user", "info": "info", "off": "clock"}
WORD_ICONS = {
    "delivery": "mail",
    "acknowledged": "tick",
    "snoozed": "pause",
    "given back": "restore",
    "pending": "clock",
}
CHANNEL_ICONS = {
    Channel.Kind.EMAIL: "mail",
    Channel.Kind.WEBHOOK: "hook",
    Channel.Kind.SLACK: "chat",
    Channel.Kind.APPRISE: "pager",
    Channel.Kind.HEARTBEAT: "bolt",
}
NOBODY = Mark("Nobody: no channel exists", "warn", "warn")
NOT_YET = Mark("Nobody was told", "off", "clock")
UNWRITTEN = "The rule says nothing of what to do. Write it down once you know, with Edit rule."
STEPS = 20
SECONDS = "%H:%M:%S"


@dataclass(frozen=True, slots=True)
class Step:
    words: str
    at: datetime
    clock: str
    text: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far the last notification of a channel is."""

    channel: str
    icon: str
    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class May:
    """Why this person may not do it, "" where they may."""

    change: str
    silence: str


@dataclass(frozen=True, slots=True)
class Detail:
    mark: Mark
    also: list[Mark]
    labels: list[str]
    since: str
    title: str
    sentence: str
    note: str
    acts: list[Act]
    chart: Chart
    steps: list[str]
    why: str
    why_href: str
    timeline: list[Step]
    changes: list[Step]
    deliveries: list[Delivery]
    untold: Mark
    rule_name: str
    rule_version: int
    code: list[list[tuple[str, str]]]
    traces: list[dict[str, str]]


def of_alert(alert: Alert, span: Span, *, may: May, now: datetime) -> Detail:
    rule, silence = alert.rule, getattr(alert, "silence", None)
    return Detail(
        mark=words.of_alert(alert, silence, now),
        also=words.also(alert, silence, now),
        labels=[f"{name}: {value}" for name, value in sorted(alert.labels.items()) if name not in {"rule", "severity"}],
        since=_since(alert, now),
        title=listing.titled(alert.title, alert.instance),
        sentence=_sentence(alert),
        note=_note(alert, silence, now),
        acts=_acts(alert, rule, may, now),
        chart=_chart(alert, span, now),
        steps=_steps(rule),
        **_why(rule, alert),
        timeline=[_step(step, now) for step in alerts.timeline(alert)[:STEPS]],
        changes=[_change(change, now) for change in alert.changes],
        deliveries=_deliveries(alerts.deliveries(alert)),
        untold=NOT_YET if Channel.objects.filter(is_enabled=True).exists() else NOBODY,
        rule_name=alert.rule_name,
        rule_version=rule.version if rule else 0,
        code=code(rule) if rule else [[("k", "The rule was deleted.")]],
        traces=alert.traces,
    )


def of_state(state: AlertState, span: Span, *, may: May, now: datetime) -> Detail:
    """What has not fired: there is no story yet, and nothing to acknowledge."""
    rule, row = state.rule, listing.of_state(state, now)
    severity = Severity(row.severity)
    since = datetime.fromtimestamp(state.since, tz=now.tzinfo)
    tints = [Tint(since, now, "warn", "")] if state.phase == AlertState.Phase.PENDING else []
    changed = Event.objects.between(since - timedelta(minutes=30), since).exclude(kind="alert")[:STEPS]
    return Detail(
        mark=row.mark,
        also=[],
        labels=[f"{name}: {value}" for name, value in sorted(rule.labels.items())],
        since=f"since {words.moment(since, now)}, {lasted(since, now)}",
        title=row.title,
        sentence=f"{row.value}, {row.beside}." if row.beside else f"{row.value}.",
        note="",
        acts=_silence(rule.name, state.pk, may) + _edit(rule),
        chart=draw("alert", exact(rule, listing.instance_of(state)), span, tints=tints, severity=severity),
        steps=_steps(rule),
        **_why(rule, None),
        timeline=[Step(row.mark.word, since, words.moment(since, now), row.value, row.mark.tone, row.mark.icon)],
        changes=[_change({"at": e.at.isoformat(), "text": e.text, "tone": e.tone}, now) for e in changed],
        deliveries=[],
        untold=Mark("Nobody: it has not fired", "off", "clock"),
        rule_name=rule.name,
        rule_version=rule.version,
        code=code(rule),
        traces=[],
    )


def exact(rule: AlertRule, instance: str) -> AlertRule:
    """The rule with one series in place of its pattern, so that a chart shows what this alert is about."""
    one = copy.copy(rule)
    if instance:
        one.metric, one.denominator = (name.replace("*", instance) for name in (rule.metric, rule.denominator))
    return one


def code(rule: AlertRule) -> list[list[tuple[str, str]]]:
    """The rule as lines of (kind, text): k a keyword, v the metric, n a number."""
    condition = [("k", "when"), ("v", rule.metric), ("k", rule.get_measure_display())]
    if rule.denominator:
        condition += [("k", "of"), ("v", rule.denominator)]
    lines = [[*condition, ("k", "window"), ("n", words.compact(rule.window_s))]]
    for each in sorted(rule.thresholds, key=lambda each: -Severity(each["severity"]).rank):
        fire, clear = (alerts.written(rule, each[name]) for name in ("fire", "clear"))
        line = [("t", each["severity"]), ("k", rule.comparison), ("n", fire), ("k", "clears at"), ("n", clear)]
        if "long_s" in each:
            line += [
                ("k", "over"),
                ("n", words.compact(each["long_s"])),
                ("k", "and"),
                ("n", words.compact(each["short_s"])),
            ]
        lines.append(line)
    holds = [
        ("k", "for"),
        ("n", words.compact(rule.for_s)),
        ("k", "keeps firing"),
        ("n", words.compact(rule.keep_firing_s)),
    ]
    return [*lines, [*holds, ("k", "without data"), ("n", rule.get_no_data_display().lower())]]


def _chart(alert: Alert, span: Span, now: datetime) -> Chart:
    if alert.rule is None:
        texts = ("Alert", "", "", "", "The rule was deleted, so nothing can be drawn: no figure")
        return charts.chart("alert", texts, span, [], spec={})
    ended = alert.resolved_at or now
    tone = words.TONES[Severity(alert.severity)]
    fired = "fired" if alert.resolved_at else "firing"
    tints = [
        Tint(alert.pending_since, alert.firing_since, "warn", ""),
        Tint(alert.firing_since, ended, tone, f"{fired} for {lasted(alert.firing_since, ended)}"),
    ]
    rule = exact(alert.rule, alert.instance)
    happened = [
        Event(at=datetime.fromisoformat(c["at"]), kind=c["kind"], text=c["text"], tone=c["tone"]) for c in alert.changes
    ]
    return draw("alert", rule, span, tints=tints, severity=Severity(alert.severity), happened=happened)


def _since(alert: Alert, now: datetime) -> str:
    start = words.moment(alert.firing_since, now)
    if alert.resolved_at is None:
        return f"since {start} {zone()}, {lasted(alert.firing_since, now)}"
    return (
        f"{start} to {words.moment(alert.resolved_at, now)} {zone()}, {lasted(alert.firing_since, alert.resolved_at)}"
    )


def _sentence(alert: Alert) -> str:
    limit = f"limit {alerts.written_as(alert.threshold, alert.unit)}"
    peak = f", at worst {alerts.written_as(alert.peak, alert.unit)}" if alert.peak is not None else ""
    if alert.resolved_at is not None:
        return f"It crossed the {limit}{peak}{f'; {alert.end_reason}' if alert.end_reason else ''}."
    return f"{listing.value_now(alert)}, {limit}{peak}.".capitalize()


def _note(alert: Alert, silence: Silence | None, now: datetime) -> str:
    said = []
    if alert.acknowledged_at is not None:
        at = words.moment(alert.acknowledged_at, now)
        said.append(f"{alert.acknowledged_by} acknowledged it at {at}: {alert.note}")
    if silence is not None:
        said.append(f"{silence.author} silenced it until {words.moment(silence.ends_at, now)}: {silence.reason}")
    if words.is_snoozed(alert, now) and alert.snoozed_until:
        said.append(f"Nobody is told again before {words.moment(alert.snoozed_until, now)}.")
    return " ".join(said)


def _acts(alert: Alert, rule: AlertRule | None, may: May, now: datetime) -> list[Act]:
    """What may be done, most likely first. One that ended is only looked at."""
    found = []
    if alert.resolved_at is None:
        if alert.acknowledged_at is None:
            href = reverse("alert-act", args=[alert.pk, "acknowledge"])
            found.append(Act("acknowledge", "Acknowledge", "tick", href, may.change, "main-act"))
        else:
            href = reverse("alert-act", args=[alert.pk, "unacknowledge"])
            found.append(Act("unacknowledge", "Take back", "restore", href, may.change))
        found += _silence(alert.rule_name, alert.pk, may)
        act, said, icon = (
            ("wake", "End snooze", "play") if words.is_snoozed(alert, now) else ("snooze", "Snooze", "pause")
        )
        found.append(Act(act, said, icon, reverse("alert-act", args=[alert.pk, act]), may.change))
    return found + (_edit(rule) if rule else [])


def _silence(rule_name: str, key: object, may: May) -> list[Act]:
    return [Act("silence", "Silence", "mute", reverse("alert-act", args=[key, "silence"]), may.silence)]


def _edit(rule: AlertRule) -> list[Act]:
    return [Act("edit", "Edit rule", "edit", reverse("alert-rule", args=[rule.pk]), "", "bare", asks=False)]


def _steps(rule: AlertRule | None) -> list[str]:
    lines = rule.recommendation.splitlines() if rule else []
    return [line.strip() for line in lines if line.strip()] or [UNWRITTEN]


def _why(rule: AlertRule | None, alert: Alert | None) -> dict[str, str]:
    """The page that shows why, and what its button says."""
    href = alerts.link(rule, alert) if rule else ""
    page = href.split("?")[0].split("#")[0].strip("/").split("/")[0]
    return {"why": f"Open {page or 'the overview'}", "why_href": href}


def _step(step: alerts.Step, now: datetime) -> Step:
    """The engine says what happened in a sentence; a person's note stands below who wrote it."""
    said, note = (f"{step.word.capitalize()} by {step.actor}", step.text) if step.actor else (step.text, "")
    icon = WORD_ICONS.get(step.word) or STEP_ICONS.get(step.tone, "info")
    return Step(said, step.at, formats.at(step.at, SECONDS), note, step.tone, icon)


def _change(change: dict[str, str], now: datetime) -> Step:
    at = datetime.fromisoformat(change["at"])
    tone = change["tone"]
    return Step(change["text"], at, words.moment(at, now), "", tone, STEP_ICONS.get(tone, "info"))


def _deliveries(rows: Sequence[Notification]) -> list[Delivery]:
    """The latest of each channel: the one that says whether people know."""
    latest: dict[str, Notification] = {}
    for row in rows:
        latest.setdefault(row.channel.name, row)
    return [
        Delivery(name, CHANNEL_ICONS[Channel.Kind(row.channel.kind)], words.of_delivery(row), delivered(row))
        for name, row in latest.items()
    ]


def delivered(row: Notification) -> str:
    """What is to be said of a notification beside its state."""
    about = row.get_about_display()
    if row.state == Notification.State.SENT and row.sent_at:
        return f"{about}, {formats.at(row.sent_at, SECONDS)}" + (
            f", {words.counted(row.attempts, 'try', 'tries')}" if row.attempts > 1 else ""
        )
    if row.error:
        again = f"; again at {formats.at(row.due_at, SECONDS)}" if row.state == Notification.State.WAITING else ""
        return f"{about}: {row.error}{again}"
    return about
