"""The API of alerts: what fires and taking it on, rules with versions, silences, channels."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from memory.models import Scope
from monitoring.models import Alert, AlertRule, AuditEntry, Series, Silence
from tests.make import make_key, make_workspace
from tests.memory.api.conftest import Api
from tests.monitoring.alert_scene import evaluated, make_alert, make_channel, make_rule
from tests.monitoring.recorded import record_hour

pytestmark = pytest.mark.django_db
WHY = "somebody looks after it"
RULE = {
    "name": "requests-fail",
    "title": "More than 5 % of requests fail",
    "kind": "rate",
    "metric": "requests.errors",
    "measure": "share",
    "denominator": "requests",
    "window_s": 300,
    "thresholds": [{"severity": "critical", "fire": 5, "clear": 3}],
    "reason": WHY,
}


@pytest.fixture
def admin(db: None) -> Api:
    workspace = make_workspace()
    return Api(workspace, make_key(workspace, scope=Scope.ADMIN))


@pytest.fixture
def reader(db: None) -> Api:
    workspace = make_workspace()
    return Api(workspace, make_key(workspace, scope=Scope.READ))


def test_alerts_are_listed_by_state_in_bounded_pages_and_say_when_they_were_judged(reader: Api) -> None:
    now = timezone.now()
    rule = make_rule()
    open_ = make_alert(rule, now=now)
    for minutes in (3, 2, 1):
        make_alert(rule, now=now, ended=minutes)
    evaluated(now=now)
    status, page = reader.get("alerts?state=open")
    assert status == 200
    assert [item["id"] for item in page["items"]] == [str(open_.pk)]
    assert page["is_late"] is False
    item = page["items"][0]
    assert (item["rule"], item["state"], item["threshold"]) == ("bulk-waits", "firing", 100.0)
    assert item["recommendation"][0] == "Look at the workers."
    _, first = reader.get("alerts?state=resolved&limit=2")
    _, second = reader.get(f"alerts?state=resolved&limit=2&cursor={first['next']}")
    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)
    assert reader.get("alerts?limit=1000")[0] == 422
    assert reader.get(f"alerts/{open_.pk}")[1] == item
    assert reader.get(f"alerts/{rule.pk}")[0] == 404


def test_an_alert_is_acknowledged_and_snoozed_by_keys_that_may(admin: Api, reader: Api) -> None:
    alert = make_alert(make_rule(), now=timezone.now())
    path = f"alerts/{alert.pk}/acknowledge"
    assert reader.post(path, {"note": WHY})[0] == 403
    status, fault = admin.post(path, {"note": "short"})
    assert (status, fault["errors"][0]["field"]) == (422, "note")
    status, shown = admin.post(path, {"note": WHY})
    assert (status, shown["note"]) == (200, WHY)
    assert AuditEntry.objects.get(action="alert.acknowledge").reason == WHY
    assert admin.post(f"alerts/{alert.pk}/unacknowledge", {"reason": WHY})[1]["acknowledged_at"] is None
    assert admin.post(f"alerts/{alert.pk}/snooze", {"hours": 2, "reason": WHY})[1]["snoozed_until"]
    ended = make_alert(make_rule(name="other"), now=timezone.now(), ended=1)
    assert admin.post(f"alerts/{ended.pk}/acknowledge", {"note": WHY})[0] == 422


def test_a_rule_is_made_changed_with_its_version_and_deleted(admin: Api, reader: Api) -> None:
    assert reader.post("alerts/rules", RULE)[0] == 403
    status, rule = admin.post("alerts/rules", RULE)
    assert (status, rule["version"], rule["thresholds"][0]["fire"]) == (201, 1, 5.0)
    path = f"alerts/rules/{rule['id']}"
    status, changed = admin.call("PATCH", path, {"version": 1, "for_s": 120, "reason": WHY})
    assert (status, changed["version"], changed["for_s"], changed["title"]) == (200, 2, 120, RULE["title"])
    status, conflict = admin.call("PATCH", path, {"version": 1, "for_s": 60, "reason": WHY})
    assert (status, conflict["current"]["version"], conflict["current"]["for_s"]) == (409, 2, 120)
    assert admin.call("DELETE", f"{path}?version=1&reason=not+needed")[0] == 409
    assert admin.call("DELETE", f"{path}?version=2&reason=not+needed")[0] == 204
    assert reader.get(path)[0] == 404
    assert reader.get("alerts/rules?limit=1")[0] == 200


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"metric": "request.errors"}, "metric"),
        ({"window_s": 99_999_999}, "window_s"),
        ({"thresholds": [{"severity": "critical", "fire": 5, "clear": 9}]}, "thresholds"),
        ({"name": "Not a name"}, "name"),
        ({"colour": "red"}, "colour"),
        ({"reason": "short"}, "reason"),
    ],
)
def test_what_a_rule_cannot_be_is_422_and_names_the_field(admin: Api, wrong: dict[str, Any], field: str) -> None:
    before = AlertRule.objects.count()
    status, fault = admin.post("alerts/rules", RULE | wrong)
    assert status == 422
    assert field in [each["field"] for each in fault["errors"]]
    assert AlertRule.objects.count() == before


@pytest.mark.parametrize(
    ("wrong", "field", "reason", "suggestion"),
    [
        ({"metric": "request.errors"}, "metric", "is not a series that is recorded", "Did you mean requests.errors"),
        ({"window_s": 31 * 86_400}, "window_s", "the window is 31 d long", "at most 30 d (2592000 s)"),
        (
            {"thresholds": [{"severity": "critical", "fire": 5, "clear": 9}]},
            "thresholds",
            "critical clears at 9, which is above 5, where it fires",
            "Clear at 4",
        ),
    ],
)
def test_the_422_of_a_rule_says_why_and_what_would_do(
    admin: Api, wrong: dict[str, Any], field: str, reason: str, suggestion: str
) -> None:
    Series.objects.create(slot=1, name="requests.errors", kind="counter")
    status, fault = admin.post("alerts/rules", RULE | wrong)
    [said] = [each["message"] for each in fault["errors"] if each["field"] == field]
    assert status == 422
    assert reason in said
    assert suggestion in said
    rule = make_rule()
    change = {"version": rule.version, "reason": WHY} | wrong
    status, fault = admin.call("PATCH", f"alerts/rules/{rule.pk}", change)
    assert (status, [each["field"] for each in fault["errors"]]) == (422, [field])


def test_a_rule_is_held_against_what_was_recorded(reader: Api) -> None:
    record_hour(now=timezone.now())
    thresholds = [{"severity": "warning", "fire": 2.0, "clear": 1.5}]
    share = {"kind": "rate", "metric": "requests.errors", "denominator": "requests", "measure": "share"}
    rule = make_rule(name="errors", thresholds=thresholds, window_s=120, **share)
    status, test = reader.get(f"alerts/rules/{rule.pk}/backtest?range=24h")
    assert (status, test["rule"], test["count"]) == (200, "errors", 1)
    assert test["fired"][0]["severity"] == "warning"
    assert 60 < test["longest_s"] < 3600
    assert reader.get(f"alerts/rules/{rule.pk}/backtest?range=9y")[0] == 422


def test_a_silence_is_looked_at_made_and_ended(admin: Api, reader: Api) -> None:
    alert = make_alert(make_rule(), now=timezone.now())
    matchers = [{"label": "component", "op": "=~", "value": "queue|cache"}]
    status, preview = reader.post("alerts/silences/preview", {"matchers": matchers})
    assert (status, preview["count"], preview["items"][0]["id"]) == (200, 1, str(alert.pk))
    wanted = {"matchers": matchers, "hours": 2, "reason": WHY}
    assert reader.post("alerts/silences", wanted)[0] == 403
    status, silence = admin.post("alerts/silences", wanted)
    assert (status, silence["matchers"], silence["is_maintenance"]) == (201, matchers, False)
    assert reader.get(f"alerts/{alert.pk}")[1]["silenced_until"] == silence["ends_at"]
    assert admin.post(f"alerts/silences/{silence['id']}/end", {"reason": WHY})[0] == 200
    assert not Silence.objects.active_at(timezone.now()).exists()
    assert len(reader.get("alerts/silences?state=ended")[1]["items"]) == 1
    later = (timezone.now() + timedelta(hours=3)).isoformat()
    assert admin.post("alerts/silences", wanted | {"starts_at": later})[1]["is_maintenance"] is True
    slow = [{"label": "component", "op": "=~", "value": "(a+)+"}]
    status, fault = admin.post("alerts/silences", wanted | {"matchers": slow})
    assert (status, fault["errors"][0]["field"]) == (422, "matchers")


def test_channels_are_listed_without_what_is_sealed(reader: Api) -> None:
    channel = make_channel(target="sealed-target", secret="sealed-secret")
    status, page = reader.get("alerts/channels")
    assert (status, page["items"][0]["name"], page["items"][0]["target"]) == (200, "on-call", channel.shown)
    assert "sealed" not in str(page)
    assert reader.post(f"alerts/channels/{channel.pk}/test", None)[0] == 403
    assert Alert.objects.count() == 0


def test_testing_a_channel_answers_what_it_said(admin: Api) -> None:
    status, outcome = admin.post(f"alerts/channels/{make_channel().pk}/test", None)
    assert (status, outcome["ok"]) == (200, False)
    assert outcome["answer"]
    assert AuditEntry.objects.get(action="channel.test").actor
