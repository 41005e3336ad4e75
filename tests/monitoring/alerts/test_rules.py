from __future__ import annotations

from typing import Any

import pytest

from monitoring import alerts
from monitoring.alerts import ConflictError, RefusedError, rules
from monitoring.models import AlertRule, AuditEntry, Series
from tests.monitoring.alerts.made import ladder, make_alert, make_channel, make_rule
from tests.monitoring.blobs import NOON, moment

pytestmark = pytest.mark.django_db
NOW = moment(NOON)
BY: dict[str, Any] = {"actor": "ada", "reason": "too late at night", "now": NOW}
FIELDS: dict[str, Any] = {
    "name": "slow-context",
    "title": "Context is slow",
    "metric": "operation.assemble_context",
    "measure": "p95",
    "window_s": 300,
    "thresholds": [{"severity": "warning", "fire": 50, "clear": 40}],
}


@pytest.fixture(autouse=True)
def known() -> None:
    Series.objects.create(slot=1, name="operation.assemble_context", kind="latency")
    Series.objects.create(slot=2, name="operation.jobs.get", kind="latency")


@pytest.mark.parametrize(
    ("fields", "field", "message", "suggestion"),
    [
        (
            {"metric": "operation.asemble_context"},
            "metric",
            "is not a series that is recorded",
            "operation.assemble_context",
        ),
        ({"metric": "queue.high"}, "metric", "queue.high is a gauge, and p95 is of a latency", "Choose value, average"),
        ({"metric": "operation.*.*"}, "metric", "a pattern has one *", "cache.*.hits"),
        ({"window_s": 31 * 86_400}, "window_s", "the window is 31 d long", "at most 30 d (2592000 s)"),
        ({"window_s": 5}, "window_s", "too short to judge", "at least 10 s"),
        ({"window_s": 65}, "window_s", "a multiple of 10 s", "Choose 60"),
        ({"window_s": "soon"}, "window_s", "must be an integer", ""),
        (
            {"thresholds": ladder(warning=(100, 120))},
            "thresholds",
            "warning clears at 120, which is above 100, where it fires",
            "Clear at 80",
        ),
        ({"comparison": "below", "thresholds": ladder(warning=(60, 50))}, "thresholds", "below 60", "Clear at 66"),
        (
            {"thresholds": ladder(warning=(9, 9), critical=(5, 5))},
            "thresholds",
            "critical fires at 5, before",
            "Exchange",
        ),
        ({"thresholds": []}, "thresholds", "one to three thresholds", ""),
        ({"thresholds": [{"severity": "loud", "fire": 1}]}, "thresholds", "has a severity", ""),
        ({"for_s": 90_000}, "for_s", "more than a day", "86400"),
        ({"channels": ["on-cal"]}, "channels", "there is no channel 'on-cal'", "Did you mean on-call?"),
        (
            {"measure": "share"},
            "measure",
            "a rule of kind threshold can't judge share",
            "or the kind rate, ratio or burn",
        ),
        ({"kind": "ratio"}, "baseline", "compares with a baseline", "control or before"),
        ({"kind": "rate", "measure": "share"}, "denominator", "needs what it is a share of", "requests"),
        (
            {
                "kind": "burn",
                "metric": "requests.errors",
                "measure": "share",
                "denominator": "requests",
                "objective": 99.9,
            },
            "objective",
            "from 0.5 to 0.999999, got 99.9",
            "0.999",
        ),
        ({"labels": {"Team": "x"}}, "labels", "at most 10 names", ""),
        ({"link": "https://elsewhere.example/"}, "link", "the name of a page of this console", "queues?range=1h"),
        ({"name": "Slow!"}, "name", "is no name of a rule", "queue-depth"),
        ({"colour": "red"}, "colour", "is no field of a rule", "title"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason_and_a_suggestion(
    fields: dict[str, Any], field: str, message: str, suggestion: str
) -> None:
    make_channel()
    with pytest.raises(RefusedError) as refused:
        rules.create(fields=FIELDS | fields, **BY)
    problem = refused.value.problems[field]
    assert message in problem.message
    assert suggestion in problem.suggestion
    assert not AlertRule.objects.exists()


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(RefusedError) as refused:
        rules.create(fields=FIELDS | {"metric": "nothing.like.it", "for_s": 10**6, "window_s": 7}, **BY)
    assert set(refused.value.problems) == {"metric", "for_s", "window_s"}


def test_a_rule_is_made_changed_and_deleted_and_the_log_says_by_whom() -> None:
    rule = rules.create(fields=FIELDS | {"thresholds": [{"severity": "critical", "fire": "50"}]}, **BY)
    assert rule.thresholds == [{"severity": "critical", "fire": 50.0, "clear": 50.0}]
    changed = rules.change(rule.pk, fields={"for_s": "120", "is_enabled": False}, version=1, **BY)
    assert (changed.for_s, changed.version, changed.is_enabled, changed.changed_by) == (120, 2, False, "ada")
    with pytest.raises(RefusedError, match="keeps its name"):
        rules.change(rule.pk, fields={"name": "other"}, version=2, **BY)
    rules.delete(rule.pk, version=2, **BY)
    entries = AuditEntry.objects.order_by("id")
    assert [entry.action for entry in entries] == ["alert_rule.create", "alert_rule.change", "alert_rule.delete"]
    assert entries[1].before == {"for_s": 0, "is_enabled": True}
    assert entries[1].after == {"for_s": 120, "is_enabled": False}


def test_who_saw_an_old_version_changes_nothing() -> None:
    rule = rules.create(fields=FIELDS, **BY)
    rules.change(rule.pk, fields={"for_s": 30}, version=1, **BY)
    with pytest.raises(ConflictError) as conflict:
        rules.change(rule.pk, fields={"for_s": 60}, version=1, **BY)
    assert (conflict.value.current.version, AlertRule.objects.get().for_s) == (2, 30)
    with pytest.raises(ConflictError):
        rules.delete(rule.pk, version=1, **BY)


def test_a_name_is_given_once() -> None:
    make_rule(name="slow-context")
    with pytest.raises(RefusedError, match="already"):
        rules.create(fields=FIELDS, **BY)


def test_built_in_rules_are_made_once_keep_edits_and_can_be_restored() -> None:
    assert rules.make_defaults(NOW) == len(rules.DEFAULTS)
    rule = AlertRule.objects.get(name="queue-depth")
    rules.change(rule.pk, fields={"thresholds": ladder(warning=(5000, 4000))}, version=1, **BY)
    assert rules.make_defaults(NOW) == 0
    with pytest.raises(RefusedError, match="Disable it instead"):
        rules.delete(rule.pk, version=2, **BY)
    restored = rules.restore(rule.pk, version=2, **BY)
    assert restored.thresholds == ladder(warning=(1000, 800), critical=(10_000, 8000))
    assert restored.version == 3


def test_the_default_rules_are_those_that_were_promised() -> None:
    rules.make_defaults(NOW)
    said = {rule.name: alerts.condition(rule) for rule in AlertRule.objects.all()}
    assert said["memory-processing"] == "p95 of batch.item + batch.single.item over 5m is above 100 ms for 1m"
    assert said["chat-slower-than-control"] == (
        "p95 of chat.response, against the control cohort, over 15m is above 10 % for 2m"
    )
    assert said["error-rate"] == "share of requests.errors in requests over 5m is above 1 % for 1m"
    assert said["hit-rate"].endswith("over 15m is below 60 % for 5m")
    assert said["oldest-job"] == "latest value of queue.oldest_s over 30 s is above 60 s for 30 s"
    assert said["breaker-opened"] == "number of breaker.*.opened over 5m is above 0"
    for rule in AlertRule.objects.all():
        assert rule.recommendation
        assert rule.link


def test_a_link_shows_the_time_of_an_alert() -> None:
    rule = make_rule(link="queues?range=1h")
    alert = make_alert(rule, resolved_at=moment(NOON + 90))
    assert alerts.link(rule) == "/queues/?range=1h"
    assert alerts.link(rule, alert, "https://m") == "https://m/queues/?range=2026-03-05T11:30Z..2026-03-05T12:02Z"
    assert alerts.link(make_rule(name="gone", link="nowhere")) == ""


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (134.2, "ms", "134 ms"),
        (2.42, "%", "2.42 %"),
        (1240.0, "", "1,240"),
        (74.0, "s", "74 s"),
        (None, "ms", "no data"),
    ],
)
def test_values_are_written_for_people(value: float | None, unit: str, said: str) -> None:
    assert alerts.written_as(value, unit) == said
