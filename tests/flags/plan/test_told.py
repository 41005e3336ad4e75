"""What people are told of rollouts: notices through every kind of channel, and the alert on slower answers."""

from __future__ import annotations

import pytest
from django.test import override_settings

from flags import cohorts, rollout
from monitoring.alerts import Notifier, channels, tell
from monitoring.alerts.channels import message
from monitoring.alerts.rules import defaults
from monitoring.metrics.blob import Blob
from monitoring.metrics.record import Delta, drain
from monitoring.metrics.store.retain import make_partitions
from monitoring.metrics.store.rollup import roll_up
from monitoring.metrics.store.write import write
from monitoring.models import Alert, AlertRule, Notification, Severity
from tests.flags.make import make_flag
from tests.monitoring.alerts.made import at, make_channel, record, state
from tests.monitoring.alerts.receivers import webhook
from tests.monitoring.blobs import NOON, moment

pytestmark = pytest.mark.django_db
NOW = moment(NOON)
TITLE, TEXT, LINK = "enhanced: advances to 25 %", "All metrics are proved.", "/rollouts/?open=enhanced"


@override_settings(HOLDFAST_PRIVATE_WEBHOOKS=True, HOLDFAST_URL="https://holdfast.example")
def test_a_notice_reaches_webhooks_and_chats_in_the_order_in_which_it_was_told() -> None:
    with webhook() as hook, webhook() as chat:
        for name, kind, url in (("hook", "webhook", hook.url), ("chat", "slack", chat.url)):
            channels.create(name=name, kind=kind, target=url, actor="ada", reason="on call", now=NOW)
        make_channel("away", is_enabled=False)
        make_channel("beat", kind="heartbeat", target="")
        assert tell(TITLE, TEXT, severity=Severity.INFO, link=LINK, now=NOW) == 2
        tell("enhanced: rolled back", "x" * 5000, severity=Severity.CRITICAL, link=LINK, now=NOW)
        notifier = Notifier(planned_at=NOW, pruned_at=NOW)
        for _ in range(2):
            notifier.tick(clock=lambda: NOW)
    assert [got.json["alerts"][0]["title"] for got in hook.got] == [TITLE, "enhanced: rolled back"]
    first = hook.got[0].json
    assert (first["about"], first["alerts"][0]["said"]) == ("notice", TEXT)
    assert first["alerts"][0]["link"] == "https://holdfast.example/rollouts/?open=enhanced"
    assert [got.json["text"] for got in chat.got] == [
        "[info] enhanced: advances to 25 % (local)",
        "[critical] enhanced: rolled back (local)",
    ]
    assert set(Notification.objects.values_list("state", flat=True)) == {"sent"}


def test_a_notice_as_mail_is_as_short_as_an_alert() -> None:
    make_channel()
    tell(TITLE, TEXT, severity=Severity.WARNING, link=LINK, now=NOW)
    told = Notification.objects.get().message
    assert message.subject(told) == "[warning] enhanced: advances to 25 % (local)"
    assert message.body(told).startswith("WARNING  enhanced: advances to 25 %\nAll metrics are proved.\n")


def answers(seconds: dict[bool, float], second: int) -> None:
    """A hundred answers of each arm, through the product's own series, as one process reports them."""
    name = make_flag("half", percent=50).name
    left = {True: 100, False: 100}
    cohorts.flush()
    drain()
    for number in range(1000):
        scope = cohorts.begin("chat.response")
        is_exposed = cohorts.exposed(name, f"u{number}")
        if left[is_exposed]:
            left[is_exposed] -= 1
        else:
            scope.noted.clear()
        cohorts.finish(scope, seconds[is_exposed], False)
    assert cohorts.flush()
    seen = {name: sketch for name, sketch in drain().latencies.items() if name.startswith("chat.response")}
    make_partitions(now=second)
    write([Blob("host:1:test", 10**6 + second, second, Delta(seen, {}, {}))], now=second)
    assert rollout.is_on(name, "") is False


def test_answers_a_fifth_slower_than_controls_fire_the_default_alert_and_no_rollout_does_not() -> None:
    defaults.make_defaults(NOW)
    AlertRule.objects.exclude(name="chat-slower-than-control").delete()
    rule = AlertRule.objects.get()
    record(NOON - 700, latencies={"requests": [0.1] * 100})
    roll_up(now=NOON - 600)
    at(NOON - 590)
    assert (state(rule).phase, Alert.objects.count()) == ("no_data", 0)  # nothing to compare is no alert
    answers({True: 0.24, False: 0.2}, NOON - 500)
    roll_up(now=NOON)
    for tick in range(NOON, NOON + 200, 10):
        at(tick)
    alert = Alert.objects.get()
    assert (alert.rule_name, alert.severity) == ("chat-slower-than-control", "warning")
    assert alert.value == pytest.approx(20, abs=2)
