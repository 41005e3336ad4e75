"""What channels are told, and when: through the outbox, with time passed in."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.test import override_settings

from monitoring import alerts
from monitoring.alerts import channels, silences
from monitoring.alerts.notify.deliver import ATTEMPTS, LEASE, claim, deliver, wait_s
from monitoring.alerts.notify.plan import plan
from monitoring.alerts.notify.worker import Notifier, beat
from monitoring.models import Alert, Channel, Evaluation, Notification
from tests.monitoring.alerts.made import ladder, make_alert, make_channel, make_rule
from tests.monitoring.alerts.receivers import Hook, mail_server, webhook
from tests.monitoring.blobs import NOON, moment

pytestmark = pytest.mark.django_db(transaction=True)
BY: dict[str, Any] = {"actor": "ada", "reason": "being mended"}
CRITICAL = ladder(warning=(1000, 800), critical=(5000, 4000))


def after(**by: float) -> datetime:
    return moment(NOON) + timedelta(**by)


def told() -> list[tuple[str, str, int]]:
    """About what, to whom, of how many alerts; the oldest first."""
    return [
        (row.about, row.channel.name, len(row.alerts))
        for row in Notification.objects.order_by("id").select_related("channel")
    ]


def plan_at(*moments: datetime) -> list[tuple[str, str, int]]:
    for now in moments:
        plan(now)
    return told()


def resolve(alert: Alert, now: datetime) -> None:
    Alert.objects.filter(pk=alert.pk).update(phase="resolved", resolved_at=now, end_reason="Clear again", value=1.0)


def test_what_resolves_before_the_group_waited_is_never_told() -> None:
    make_channel()
    alert = make_alert(make_rule())
    assert plan_at(after(), after(seconds=25)) == []
    resolve(alert, after(seconds=28))
    assert plan_at(after(seconds=35), after(minutes=10)) == []


def test_alerts_that_belong_together_are_told_together_then_at_intervals() -> None:
    make_channel()
    rule = make_rule(labels={"component": "queue"})
    other = make_rule(name="oldest", labels={"component": "queue"})
    make_rule(name="alone", labels={"component": "api"})
    first = make_alert(rule)
    plan(after())
    second = make_alert(other)
    assert plan_at(after(seconds=30)) == [("firing", "on-call", 2)]
    make_alert(rule)
    assert plan_at(after(minutes=5)) == [("firing", "on-call", 2)]
    assert plan_at(after(minutes=6)) == [("firing", "on-call", 2), ("firing", "on-call", 3)]
    resolve(first, after(minutes=7))
    resolve(second, after(minutes=7))
    assert plan_at(after(minutes=12))[2:] == [("resolved", "on-call", 3)]


def test_a_reminder_comes_after_four_hours_unless_somebody_has_taken_it_on() -> None:
    make_channel()
    alert = make_alert(make_rule())
    plan_at(after(), after(seconds=30))
    assert plan_at(after(hours=4), after(hours=4, seconds=30))[1:] == [("repeat", "on-call", 1)]
    alerts.acknowledge(alert.pk, actor="ada", note="on it", now=after(hours=5))
    assert len(plan_at(after(hours=9))) == 2


def test_what_gets_worse_does_not_wait_for_the_interval() -> None:
    make_channel()
    alert = make_alert(make_rule(thresholds=CRITICAL), severity="warning")
    plan_at(after(), after(seconds=30))
    Alert.objects.filter(pk=alert.pk).update(severity="critical")
    assert len(plan_at(after(seconds=50))) == 1
    assert len(plan_at(after(seconds=60))) == 2


def test_a_rule_sends_to_its_own_channels_and_not_to_those_that_are_off() -> None:
    make_channel()
    make_channel("off", is_enabled=False)
    make_channel("beat", kind="heartbeat")
    make_channel("chat")
    make_alert(make_rule(channels=["chat", "off"]))
    assert plan_at(after(), after(seconds=30)) == [("firing", "chat", 1)]


def test_a_critical_alert_speaks_for_milder_ones_with_equal_labels_until_it_ends() -> None:
    make_channel()
    worse = make_alert(make_rule(thresholds=CRITICAL), labels={"component": "queue"}, severity="critical")
    mild = make_alert(make_rule(name="oldest"), labels={"component": "queue"})
    make_alert(make_rule(name="api"), labels={})
    plan_at(after(), after(seconds=30))
    about = [{str(id) for id in row.alerts} for row in Notification.objects.all()]
    assert {str(worse.pk)} in about
    assert {str(mild.pk)} not in about
    assert Alert.objects.get(pk=mild.pk).is_inhibited
    resolve(worse, after(minutes=10))
    plan_at(after(minutes=10), after(minutes=11))
    assert [str(mild.pk)] in [[str(id) for id in row.alerts] for row in Notification.objects.filter(about="firing")]


def test_late_figures_speak_for_alerts_for_want_of_data() -> None:
    make_channel()
    blind = make_alert(make_rule(), is_no_data=True)
    seeing = make_alert(make_rule(name="seeing"))
    make_alert(make_rule(name="late"), labels={"inhibits": "no-data"}, is_no_data=True)
    plan_at(after(), after(seconds=30))
    ids = {id for row in Notification.objects.all() for id in row.alerts}
    assert (blind.pk in ids, seeing.pk in ids, len(ids)) == (False, True, 2)


def test_a_silence_keeps_quiet_and_its_end_tells_once() -> None:
    make_channel()
    make_alert(make_rule())
    plan_at(after(), after(seconds=30))
    matchers = silences.parse('rule="depth"')
    assert [alert.rule_name for alert in silences.preview(matchers, after(minutes=1))] == ["depth"]
    silences.create(matchers=matchers, starts_at=after(minutes=1), ends_at=after(hours=9), now=after(minutes=1), **BY)
    assert [alert.is_quiet for alert in alerts.firing(after(hours=1))] == [True]
    assert len(plan_at(after(minutes=2), after(hours=5), after(hours=8, minutes=59))) == 1
    assert plan_at(after(hours=9), after(hours=9, minutes=5), after(hours=10))[1:] == [("firing", "on-call", 1)]


def test_a_maintenance_window_begins_later_and_can_be_ended() -> None:
    make_channel()
    window = silences.create(
        matchers=silences.parse("severity=~warn.*"), starts_at=after(hours=1), ends_at=after(hours=3), now=after(), **BY
    )
    assert window.is_maintenance
    make_alert(make_rule())
    assert len(plan_at(after(), after(seconds=30))) == 1
    make_alert(make_rule(name="other"))
    assert len(plan_at(after(hours=1), after(hours=2))) == 1
    silences.end(window.pk, now=after(hours=2), **BY)
    assert len(plan_at(after(hours=2, seconds=1), after(hours=2, minutes=1))) == 3


def test_a_snoozed_alert_is_told_again_if_it_still_fires() -> None:
    make_channel()
    alert = make_alert(make_rule())
    plan_at(after(), after(seconds=30))
    alerts.snooze(alert.pk, until=after(hours=6), now=after(minutes=1), **BY)
    assert len(plan_at(after(minutes=2), after(hours=5))) == 1
    assert len(plan_at(after(hours=6))) == 2


def test_a_flapping_alert_is_told_once_more() -> None:
    make_channel()
    alert = make_alert(make_rule())
    plan_at(after(), after(seconds=30))
    Alert.objects.filter(pk=alert.pk).update(is_flapping=True)
    assert len(plan_at(after(minutes=6), after(minutes=12), after(minutes=18))) == 2


def test_planning_twice_at_once_adds_one() -> None:
    make_channel()
    make_alert(make_rule())
    assert (plan(after()), plan(after(seconds=30)), plan(after(seconds=30))) == (0, 1, 0)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as receiver, override_settings(HOLDFAST_PRIVATE_WEBHOOKS=True):
        yield receiver


def hook_channel(hook: Hook, kind: str = "webhook", name: str = "on-call") -> Channel:
    return channels.create(name=name, kind=kind, target=hook.url, secret="s" * 16, now=after(), **BY)


def deliver_at(now: datetime) -> int:
    return deliver(clock=lambda: now, chance=random.Random(1))


def test_mail_and_webhook_get_exactly_what_they_should(hook: Hook) -> None:
    with mail_server() as box, override_settings(HOLDFAST_EMAIL_URL=box.url, HOLDFAST_URL="https://memory.example"):
        hook_channel(hook)
        channels.create(name="mail", kind="email", target="ops@example.com, ada@example.com", now=after(), **BY)
        rule = make_rule(recommendation="Start more workers.", link="queues?range=1h")
        alert = make_alert(rule, unit="ms")
        notifier = Notifier()
        for second in range(0, 370, 10):
            now = after(seconds=second)
            if second == 60:
                resolve(alert, now)
            notifier.tick(clock=partial(after, seconds=second))
        assert [got.json["about"] for got in hook.got] == ["firing", "resolved"]
        assert [mail["Subject"] for mail in box.mails] == [
            "[warning] Many jobs wait (local)",
            "[resolved] Many jobs wait (local)",
        ]
        assert box.recipients == [["ops@example.com", "ada@example.com"]] * 2
        text = box.mails[0].get_payload()
        assert "1,200 ms" in text or "1.2 s; the limit is 1 s." in text
        assert "- Start more workers." in text
        assert "https://memory.example/" in text
        assert {row.state for row in Notification.objects.all()} == {"sent"}
        assert [row.channel.name for row in alerts.deliveries(alert)].count("mail") == 2
        said = [step.text for step in alerts.timeline(Alert.objects.get())]
        assert "on-call was told: resolved" in said


def test_a_sender_that_dies_before_the_mark_causes_one_repetition_and_no_loss(hook: Hook) -> None:
    hook_channel(hook)
    make_alert(make_rule())
    plan_at(after(), after(seconds=30))
    now = after(seconds=31)
    [row] = claim(now)
    channels.send(row.channel, row.message, now=now)  # and here it dies
    assert deliver_at(now) == 0
    assert deliver_at(now + LEASE) == 1
    assert deliver_at(now + 2 * LEASE) == 0
    ids = [got.headers["Holdfast-Notification"] for got in hook.got]
    assert ids == [str(row.pk)] * 2


def test_failures_are_tried_again_ever_later_then_given_up_and_can_be_retried(hook: Hook) -> None:
    channel = hook_channel(hook)
    hook.answers = [500] * ATTEMPTS
    make_alert(make_rule())
    plan_at(after(), after(seconds=30))
    now, waits = after(seconds=30), []
    for _ in range(ATTEMPTS):
        assert deliver_at(now) == 1
        row = Notification.objects.get()
        waits.append((row.due_at - now).total_seconds())
        assert deliver_at(now) == 0
        now = row.due_at
    assert row.state == "dead"
    assert row.error == "127.0.0.1 answered 500"
    assert waits[:3] == pytest.approx([10, 20, 40], rel=0.21)
    channel.refresh_from_db()
    assert channel.error == "127.0.0.1 answered 500"
    assert list(Notification.objects.dead()) == [row]
    alerts.retry(row.pk, now=now, **BY)
    assert deliver_at(now) == 1
    assert Notification.objects.get().state == "sent"
    with pytest.raises(alerts.RefusedError, match="it is delivered"):
        alerts.retry(row.pk, now=now, **BY)


def test_what_a_receiver_will_never_take_is_given_up_at_once(hook: Hook) -> None:
    hook_channel(hook)
    hook.answers = [410]
    make_alert(make_rule())
    plan_at(after(), after(seconds=30))
    deliver_at(after(seconds=30))
    assert Notification.objects.get().state == "dead"


def test_resolved_never_overtakes_firing(hook: Hook) -> None:
    hook_channel(hook)
    hook.answers, hook.headers = [503], {"Retry-After": "400"}
    alert = make_alert(make_rule())
    plan_at(after(), after(seconds=30))
    deliver_at(after(seconds=30))
    resolve(alert, after(minutes=1))
    assert len(plan_at(after(minutes=6))) == 2
    assert deliver_at(after(minutes=6)) == 0
    assert deliver_at(after(minutes=8)) == 1
    assert deliver_at(after(minutes=8)) == 1
    assert [got.json["about"] for got in hook.got] == ["firing", "firing", "resolved"]


def test_one_dead_channel_holds_up_no_other(hook: Hook) -> None:
    hook_channel(hook)
    Channel.objects.create(name="broken", kind="webhook", target="not sealed", shown="")
    make_alert(make_rule())
    plan_at(after(), after(seconds=30))
    assert deliver_at(after(seconds=30)) == 2
    states = dict(Notification.objects.values_list("channel__name", "state"))
    assert states == {"on-call": "sent", "broken": "dead"}
    assert "enter its target again" in Notification.objects.dead()[0].error


def test_a_heartbeat_goes_out_each_minute_only_while_alerts_are_evaluated(hook: Hook) -> None:
    hook_channel(hook, "heartbeat")
    assert beat(after()) == 0
    Evaluation.objects.create(tick=NOON)
    assert [beat(after(seconds=second)) for second in (5, 10, 30)] == [1, 0, 0]
    Evaluation.objects.update(tick=NOON + 60)
    assert beat(after(seconds=66)) == 1
    assert beat(after(seconds=200)) == 0
    assert [got.json["about"] for got in hook.got] == ["heartbeat"] * 2


def test_waits_grow_and_heed_what_the_receiver_asks() -> None:
    chance = random.Random(3)
    assert 8 <= wait_s(1, None, chance) <= 12
    assert wait_s(30, None, chance) <= 1080
    assert wait_s(1, 120, chance) == 120
