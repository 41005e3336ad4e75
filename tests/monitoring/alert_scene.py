"""Alerts in every state, with rules over recorded figures, silences, channels and what these were sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from monitoring.ids import uuid7
from monitoring.models import Alert, AlertRule, AlertState, Channel, Evaluation, Notification, Severity, Silence

STEPS = (
    "Check the provider's status page. 429 with 504 usually means their rate limiter.",
    "If it is theirs, wait: the local summarizer serves, chats keep working.",
    "If it is ours, lower enhanced_prompts to 10 %. It adds 1.4 calls per chat.",
    "Once probes pass, watch the age of the oldest job fall under 60 s.",
)


def make_rule(**fields: Any) -> AlertRule:
    """Saved as it is: more than 100 bulk jobs, unless told otherwise."""
    fire, clear = fields.pop("fire", 100.0), fields.pop("clear", 80.0)
    severity = fields.pop("severity", Severity.WARNING)
    given: dict[str, Any] = {
        "name": "bulk-waits",
        "title": "More than 100 bulk jobs wait",
        "kind": "threshold",
        "metric": "queue.bulk",
        "measure": "value",
        "window_s": 60,
        "for_s": 60,
        "keep_firing_s": 60,
        "thresholds": [{"severity": str(severity), "fire": fire, "clear": clear}],
        "labels": {"component": "queue"},
        "recommendation": "Look at the workers.\nPause the bulk import until it is done.",
        "link": "queues?range=1h",
    }
    return AlertRule.objects.create(**given | fields)


def make_alert(rule: AlertRule, *, now: datetime, minutes: float = 22, **fields: Any) -> Alert:
    """Fires since so many minutes; with `ended` it resolved so many minutes ago."""
    since = now - timedelta(minutes=minutes)
    ended = fields.pop("ended", None)
    first = rule.thresholds[-1]
    story = [
        step(since - timedelta(seconds=rule.for_s), "pending", "The threshold is crossed", "info"),
        step(since, "fired", f"{first['severity'].capitalize()}: over its limit", _tone(first["severity"])),
    ]
    resolved = now - timedelta(minutes=ended) if ended is not None else None
    if resolved:
        story.append(step(resolved, "resolved", "Resolved: clear again", "ok"))
    given: dict[str, Any] = {
        "rule": rule,
        "rule_name": rule.name,
        "title": rule.title,
        "labels": rule.labels,
        "fingerprint": uuid7().hex,
        "phase": "resolved" if resolved else "firing",
        "severity": first["severity"],
        "worst": first["severity"],
        "pending_since": since - timedelta(seconds=rule.for_s),
        "firing_since": since,
        "resolved_at": resolved,
        "value": first["fire"] * 1.36,
        "peak": first["fire"] * 1.42,
        "threshold": first["fire"],
        "clear": first["clear"],
        "window_s": rule.window_s,
        "steps": story,
    }
    return Alert.objects.create(**given | fields)


def make_state(rule: AlertRule, *, now: datetime, seconds: int = 40, **fields: Any) -> AlertState:
    """An instance that is pending since so many seconds."""
    moment = int(now.timestamp())
    given: dict[str, Any] = {
        "fingerprint": uuid7().hex,
        "phase": "pending",
        "severity": rule.thresholds[-1]["severity"],
        "since": moment - seconds,
        "value": rule.thresholds[-1]["fire"] * 0.97,
        "tick": moment,
    }
    return AlertState.objects.create(rule=rule, **given | fields)


def make_channel(**fields: Any) -> Channel:
    """As if it had been made: what it is sent to is sealed, and never read here."""
    given: dict[str, Any] = {"name": "on-call", "kind": "email", "target": "sealed", "shown": "o…@example.com"}
    return Channel.objects.create(**given | fields)


def make_notification(channel: Channel, alert: Alert, *, now: datetime, **fields: Any) -> Notification:
    at = fields.pop("at", alert.firing_since + timedelta(seconds=11))
    given: dict[str, Any] = {
        "key": uuid7().hex,
        "group": alert.rule_name,
        "about": "firing",
        "alerts": [alert.pk],
        "message": {},
        "state": "sent",
        "attempts": 1,
        "due_at": at,
        "created_at": at,
        "sent_at": at,
    }
    return Notification.objects.create(channel=channel, **given | fields)


def make_silence(*, now: datetime, hours: float = 2, **fields: Any) -> Silence:
    given: dict[str, Any] = {
        "matchers": [{"label": "rule", "op": "=", "value": "embedding-slow"}],
        "author": "admin",
        "reason": "The replica is rebuilt",
        "starts_at": now - timedelta(minutes=32),
        "ends_at": now + timedelta(hours=hours),
    }
    return Silence.objects.create(**given | fields)


def evaluated(*, now: datetime, ago_s: int = 4) -> None:
    tick = int(now.timestamp()) - ago_s
    Evaluation.objects.update_or_create(pk=Evaluation.ONLY, defaults={"tick": tick, "took_ms": 38, "rules": 12})


def step(at: datetime, word: str, text: str, tone: str, actor: str = "") -> dict[str, str]:
    return {"at": at.isoformat(), "word": word, "text": text, "actor": actor, "tone": tone}


def fill(*, now: datetime) -> Alert:
    """All states at once, over the figures of `record_hour` and `record_calls`; the worst alert is returned."""
    AlertRule.objects.all().delete()
    rules = _rules()
    chat = _chat_fails(rules["chat-failures"], now)
    bulk = make_alert(rules["bulk-waits"], now=now, minutes=9, value=159, peak=159)
    taken = {"acknowledged_at": now - timedelta(minutes=6), "acknowledged_by": "ops", "note": "The import of tenant 7"}
    Alert.objects.filter(pk=bulk.pk).update(**taken)
    make_state(rules["tool-hits"], now=now, value=69.8)
    make_alert(rules["embedding-slow"], now=now, minutes=32, value=254, peak=301, unit="ms")
    errors = make_alert(rules["error-rate"], now=now, minutes=27, ended=21, value=0.4, peak=5.4, unit="%")
    make_alert(rules["bulk-waits"], now=now, minutes=52, ended=48, peak=131)
    for alert in Alert.objects.open():
        of = rules[alert.rule_name]
        make_state(of, now=now, phase="firing", severity=alert.severity, value=alert.value, alert=alert)
    make_state(rules["error-rate"], now=now, phase="normal", severity="", value=0.42)
    _silences(now)
    _deliveries(chat, bulk, errors, now)
    evaluated(now=now)
    return chat


def _rules() -> dict[str, AlertRule]:
    share = {"kind": "rate", "measure": "share", "window_s": 120}
    made = (
        make_rule(
            name="chat-failures",
            title="Chat calls failing over 25 %",
            metric="provider.chat.failed",
            denominator="provider.chat.requests",
            severity=Severity.CRITICAL,
            fire=25.0,
            clear=20.0,
            for_s=30,
            labels={"component": "chat", "provider": "mistral"},
            recommendation="\n".join(STEPS),
            link="breakers?name=provider.chat",
            **share,
        ),
        make_rule(),
        make_rule(
            name="tool-hits",
            title="Tool-result hit rate under 72 %",
            metric="cache.tool.hits",
            denominator="cache.tool.hits+cache.tool.misses",
            comparison="below",
            fire=72.0,
            clear=75.0,
            for_s=300,
            labels={"component": "cache"},
            link="caches",
            **share,
        ),
        make_rule(
            name="embedding-slow",
            title="Embedding p95 over 200 ms",
            metric="provider.embedding",
            measure="p95",
            fire=200.0,
            clear=180.0,
            labels={"component": "embedding"},
            link="providers",
        ),
        make_rule(
            name="error-rate",
            title="More than 2 % of requests fail",
            metric="requests.errors",
            denominator="requests",
            severity=Severity.CRITICAL,
            fire=2.0,
            clear=1.5,
            labels={"component": "api"},
            link="overview",
            **share,
        ),
        make_rule(
            name="oldest-job", title="Oldest job over 60 s", metric="queue.oldest_s", fire=60.0, is_enabled=False
        ),
    )
    return {rule.name: rule for rule in made}


def _chat_fails(rule: AlertRule, now: datetime) -> Alert:
    before = now - timedelta(minutes=34)
    changes = [
        {"at": before.isoformat(), "kind": "flag", "text": "enhanced_prompts 25 %", "tone": "hand"},
        {
            "at": (now - timedelta(minutes=23)).isoformat(),
            "kind": "breaker",
            "text": "Chat: Mistral open",
            "tone": "crit",
        },
    ]
    slow = [{"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "ms": 5034.2, "operation": "chat_completions"}]
    return make_alert(rule, now=now, minutes=22, value=34.2, peak=35.4, unit="%", changes=changes, traces=slow)


def _silences(now: datetime) -> None:
    make_silence(now=now, hours=1.5)
    later = now + timedelta(hours=9)
    make_silence(
        now=now,
        matchers=[{"label": "component", "op": "=~", "value": "queue|cache"}],
        author="ops",
        reason="PostgreSQL is upgraded",
        starts_at=later,
        ends_at=later + timedelta(hours=2),
        is_maintenance=True,
    )
    make_silence(now=now, reason="Load test of the import", author="ops", starts_at=now - timedelta(hours=6), hours=-4)


def _deliveries(chat: Alert, bulk: Alert, errors: Alert, now: datetime) -> None:
    mail = make_channel(delivered_at=now - timedelta(minutes=9))
    slack = make_channel(
        name="ops-room", kind="slack", shown="https://hooks.example.com/…", delivered_at=now - timedelta(minutes=8)
    )
    hook = make_channel(
        name="incident-bot",
        kind="webhook",
        shown="https://incidents.example.com/…",
        delivered_at=now - timedelta(hours=3),
        failed_at=now - timedelta(minutes=1),
        error="503 Service Unavailable",
    )
    for channel in (mail, slack):
        for alert in (errors, chat, bulk):
            make_notification(channel, alert, now=now)
    again = {"error": "503 Service Unavailable", "sent_at": None}
    make_notification(hook, chat, now=now, state="waiting", attempts=2, due_at=now + timedelta(seconds=50), **again)
    make_notification(hook, errors, now=now, state="dead", attempts=8, **again)


def _tone(severity: str) -> str:
    return {"critical": "crit", "warning": "warn"}.get(severity, "info")
