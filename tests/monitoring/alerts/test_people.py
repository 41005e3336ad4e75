from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from monitoring import alerts
from monitoring.alerts import RefusedError, silences
from monitoring.alerts.people.matchers import Matcher
from monitoring.models import Alert, AuditEntry
from tests.monitoring.alerts.made import make_alert, make_rule
from tests.monitoring.blobs import NOON, moment

pytestmark = pytest.mark.django_db
NOW = moment(NOON)
BY: dict[str, Any] = {"actor": "ada", "reason": "mending", "now": NOW}


def test_matchers_are_read_from_lines() -> None:
    parsed = silences.parse('rule="queue-depth", severity=critical\nbreaker =~ "openai.*"')
    assert [str(each) for each in parsed] == ['rule="queue-depth"', 'severity="critical"', 'breaker=~"openai.*"']
    assert parsed[2].matches({"breaker": "openai-chat"})
    assert not parsed[2].matches({"breaker": "my-openai"})
    assert not parsed[2].matches({})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1 to 10 matchers"),
        ("rule=a\nnonsense", "line 2 is no matcher: 'nonsense'"),
        ('rule=~"(a+)+$"', "may take too long"),
        ('rule=~"a*b*c*d*"', "may take too long"),
        (r'rule=~"(a)\1"', "may take too long"),
        ('rule=~"["', "is no pattern"),
        (f'rule="{"x" * 101}"', "1 to 100 characters"),
    ],
)
def test_matchers_that_make_no_sense_or_take_long_are_refused(text: str, message: str) -> None:
    with pytest.raises(RefusedError, match="matchers: ") as refused:
        silences.parse(text)
    assert message in str(refused.value)


def test_the_worst_pattern_that_is_allowed_ends() -> None:
    worst = silences.parse('rule=~"a*a*a*b"')[0]
    began = time.process_time()
    assert not worst.matches({"rule": "a" * 5000})
    assert time.process_time() - began < 5


def test_a_silence_is_refused_without_reason_end_or_measure() -> None:
    given: dict[str, Any] = {"matchers": [Matcher("rule", "=", "x")], "starts_at": NOW, "actor": "ada", "now": NOW}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"ends_at": NOW + timedelta(hours=1), "reason": " "}, "reason"),
        ({"ends_at": NOW, "reason": "x"}, "ends_at"),
        ({"ends_at": NOW + timedelta(days=31), "reason": "x"}, "ends_at"),
    ]
    for fields, field in cases:
        with pytest.raises(RefusedError) as refused:
            silences.create(**given, **fields)
        assert field in refused.value.problems


def test_of_an_alert_come_the_matchers_that_silence_it_alone() -> None:
    alert = make_alert(make_rule(), labels={"component": "queue"})
    make_alert(make_rule(name="other"), labels={"component": "queue"})
    assert silences.preview(silences.of(alert), NOW) == [alert]
    silence = silences.create(matchers=silences.of(alert), starts_at=NOW, ends_at=NOW + timedelta(hours=1), **BY)
    assert alerts.silences_of([alert], NOW) == {alert.pk: silence}
    assert silences.end(silence.pk, **BY).ends_at == NOW
    assert alerts.silences_of([alert], NOW) == {}
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == ["silence.create", "silence.end"]


def test_an_alert_is_taken_on_given_back_and_put_off_and_its_story_says_so() -> None:
    alert = make_alert(make_rule())
    alerts.acknowledge(alert.pk, actor="ada", note="looking", now=NOW)
    taken = Alert.objects.get()
    assert (taken.acknowledged_by, taken.note) == ("ada", "looking")
    alerts.unacknowledge(alert.pk, actor="ada", reason="my shift is over", now=NOW + timedelta(minutes=1))
    alerts.snooze(alert.pk, until=NOW + timedelta(hours=1), actor="bob", reason="", now=NOW + timedelta(minutes=2))
    story = alerts.timeline(Alert.objects.get())
    assert [(step.word, step.actor) for step in story] == [
        ("snoozed", "bob"),
        ("given back", "ada"),
        ("acknowledged", "ada"),
    ]
    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["alert.acknowledge", "alert.unacknowledge", "alert.snooze"]
    with pytest.raises(RefusedError, match="up to a week"):
        alerts.snooze(alert.pk, until=NOW + timedelta(days=8), actor="bob", reason="", now=NOW)


def test_nothing_is_done_about_an_alert_that_has_ended() -> None:
    alert = make_alert(make_rule(), resolved_at=NOW)
    with pytest.raises(RefusedError, match="it has resolved already"):
        alerts.acknowledge(alert.pk, actor="ada", note="", now=NOW)


def test_the_worst_comes_first_and_of_equals_the_oldest() -> None:
    rule = make_rule()
    make_alert(rule, severity="warning", since=NOON - 50, instance="c")
    make_alert(rule, severity="critical", since=NOON - 10, instance="b")
    make_alert(rule, severity="critical", since=NOON - 20, instance="a")
    make_alert(rule, severity="critical", since=NOON - 90, resolved_at=NOW)
    assert [alert.instance for alert in alerts.firing(NOW)] == ["a", "b", "c"]
    assert [alert.instance for alert in Alert.objects.open().of("warning").matching("DEPTH")] == ["c"]
