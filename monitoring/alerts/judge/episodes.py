"""The life of an alert: begun when its instance fires, told in steps, ended when it resolves; each turn is an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from monitoring.alerts.judge import write
from monitoring.alerts.judge.machine import State, Word
from monitoring.alerts.judge.measure import Sample
from monitoring.alerts.rules.patterns import filled, label_name, summands
from monitoring.alerts.rules.words import unit, written
from monitoring.formats import age
from monitoring.ids import uuid7
from monitoring.models import Alert, AlertRule, Event, Severity, SlowRequest

CHANGES_S: Final = 1800
CHANGES: Final = 20
TRACES: Final = 5
LOOKED_UP: Final = 20  # alerts of one evaluation whose slow requests are looked for
FIRST_STEPS: Final = 20  # kept when a long story is cut
EVENTS: Final = {Word.FIRED, Word.ROSE, Word.FELL, Word.RESOLVED, Word.FLAPPING}
TONES: Final = {Severity.INFO: Event.Tone.INFO, Severity.WARNING: Event.Tone.WARN, Severity.CRITICAL: Event.Tone.CRIT}


@dataclass(slots=True)
class Changes:
    """What an evaluation has to write."""

    now: datetime
    fresh: list[Alert] = field(default_factory=list)
    kept: list[Alert] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def write(self) -> None:
        """Everything in a few statements. New alerts learn here what happened before them."""
        write.alerts(self.kept)
        if self.fresh:  # after those that end: an instance has one open alert
            changes = _changes(self.now)
            for alert in self.fresh:
                alert.changes = changes
            Alert.objects.bulk_create(self.fresh)
        Event.objects.bulk_create(self.events)

    def tell(self, alert: Alert, text: str, tone: str) -> None:
        text = f"{alert.title}{f' ({alert.instance})' if alert.instance else ''}: {text}"
        if len(text) > Event.TEXT_LENGTH:
            text = f"{text[: Event.TEXT_LENGTH - 1]}…"
        self.events.append(Event(at=self.now, kind="alert", text=text, tone=tone))


def begin(rule: AlertRule, instance: str, fingerprint: str, state: State, into: Changes) -> Alert:
    """The alert of an instance that fires."""
    assert state.severity is not None
    labels = {**rule.labels, **({label_name(rule.metric): instance} if instance else {})}
    alert = Alert(
        id=uuid7(),
        rule=rule,
        rule_name=rule.name,
        title=rule.title,
        labels=labels,
        instance=instance,
        fingerprint=fingerprint,
        worst=state.severity,
        pending_since=_moment(min(state.clocks.values(), default=state.since)),
        firing_since=into.now,
        window_s=rule.window_s,
        unit=unit(rule),
    )
    if (pending := alert.pending_since) < into.now:
        add_step(alert, pending, Word.PENDING, "The threshold is crossed")
    if len(into.fresh) < LOOKED_UP:
        alert.traces = _traces(rule, instance, into.now)
    return alert


def follow(alert: Alert, rule: AlertRule, state: State, sample: Sample, words: Sequence[Word], into: Changes) -> None:
    """Brings an alert up to date with its instance, and tells what happened."""
    if state.severity is not None:
        alert.severity = state.severity
        alert.worst = max(state.severity, Severity(alert.worst), key=lambda each: each.rank)
        alert.threshold, alert.clear = _bounds(rule, state.severity)
    alert.phase = state.phase.value if state.is_open else "resolved"
    alert.is_flapping = state.is_flapping
    alert.is_no_data = sample.value is None and (not sample.verdict.is_error)
    alert.value = sample.value
    alert.peak = _peak(rule, alert.peak, sample.value)
    for word in words:
        _tell(alert, rule, sample, word, into)


def end(alert: Alert, reason: str, into: Changes) -> None:
    """Ends an alert whose instance is judged no more."""
    alert.phase, alert.resolved_at, alert.end_reason = "resolved", into.now, reason
    add_step(alert, into.now, Word.RESOLVED, reason, tone=Event.Tone.INFO)
    into.tell(alert, f"ended, {reason[0].lower()}{reason[1:]}", Event.Tone.INFO)
    into.kept.append(alert)


def add_step(alert: Alert, at: datetime, word: str, text: str, *, actor: str = "", tone: str = Event.Tone.INFO) -> None:
    """Adds to the story of an alert; of a long one the middle is left out."""
    alert.steps.append({"at": at.isoformat(), "word": str(word), "text": text, "actor": actor, "tone": str(tone)})
    if len(alert.steps) > Alert.STEPS:
        del alert.steps[FIRST_STEPS]


def _tell(alert: Alert, rule: AlertRule, sample: Sample, word: Word, into: Changes) -> None:
    severity = Severity(alert.severity)
    said = written(rule, sample.value) if sample.value is not None else (sample.why or "no data")
    bound = f"{rule.comparison} {written(rule, alert.threshold)}"
    text, tone = {
        Word.FIRED: (
            f"{severity.label}: {said}, {bound}" if sample.value is not None else f"No data: {said}",
            TONES[severity],
        ),
        Word.ROSE: (f"now {severity.value}: {said}, {bound}", TONES[severity]),
        Word.FELL: (f"now only {severity.value}: {said}", TONES[severity]),
        Word.RECOVERING: (f"{said}, clear again", Event.Tone.OK),
        Word.AGAIN: (f"crossed again: {said}", TONES[severity]),
        Word.RESOLVED: (
            f"resolved after {age((into.now - alert.firing_since).total_seconds())}: {said}",
            Event.Tone.OK,
        ),
        Word.FLAPPING: ("fires again and again, so it takes longer to resolve", Event.Tone.WARN),
        Word.STEADY: ("flaps no more", Event.Tone.OK),
    }.get(word, ("", Event.Tone.INFO))
    if not text:
        return
    if word is Word.RESOLVED:
        alert.resolved_at, alert.end_reason = into.now, "Clear again"
    add_step(alert, into.now, word, f"{text[0].upper()}{text[1:]}", tone=tone)
    if word in EVENTS:
        into.tell(alert, text, tone)


def _bounds(rule: AlertRule, severity: Severity) -> tuple[float, float]:
    """Where a severity fires and clears; of a burn rate's several, the lowest."""
    own = [each for each in rule.thresholds if each["severity"] == severity]
    first = min(own or rule.thresholds, key=lambda each: float(each["fire"]))
    return float(first["fire"]), float(first["clear"])


def _peak(rule: AlertRule, peak: float | None, value: float | None) -> float | None:
    if peak is None or value is None:
        return peak if value is None else value
    return max(peak, value) if rule.comparison == AlertRule.Comparison.ABOVE else min(peak, value)


def _changes(now: datetime) -> list[dict[str, Any]]:
    """What else happened in the half hour before, the latest first."""
    events = Event.objects.between(now - timedelta(seconds=CHANGES_S), now).exclude(kind="alert")[:CHANGES]
    return [{"at": each.at.isoformat(), "kind": each.kind, "text": each.text, "tone": each.tone} for each in events]


def _traces(rule: AlertRule, instance: str, now: datetime) -> list[dict[str, Any]]:
    """The slowest requests of the window among those that the rule judges."""
    names = [filled(name, instance) for name in summands(rule.metric)]
    rows = SlowRequest.objects.filter(at__gte=now - timedelta(seconds=rule.window_s), at__lt=now)
    if any(name.endswith(".errors") for name in names):
        rows = rows.filter(is_failed=True)
        names = [name.removesuffix(".errors") for name in names]
    if "requests" not in names:
        rows = rows.filter(operation__in=names)
    found = rows.order_by("-seconds").values_list("trace_id", "seconds", "operation")[:TRACES]
    return [{"trace_id": trace, "ms": round(1000 * seconds, 1), "operation": name} for trace, seconds, name in found]


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
