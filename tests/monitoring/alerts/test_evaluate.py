from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitoring import alerts
from monitoring.alerts.judge.evaluate import Evaluator, Report
from monitoring.alerts.judge.machine import NoData, Phase
from monitoring.metrics.store.rollup import roll_up
from monitoring.models import Alert, AlertRule, AlertState, Event, SlowRequest
from tests.monitoring.alerts.made import TICK_S, at, ladder, make_rule, record, run, state
from tests.monitoring.blobs import NOON, moment

pytestmark = pytest.mark.django_db


def test_an_alert_fires_rises_recovers_and_resolves_as_one_episode() -> None:
    rule = make_rule(thresholds=ladder(warning=(1000, 800), critical=(5000, 4000)), for_s=10, keep_firing_s=10)
    last = run([900, 1200, 1300, 6000, 6100, 900, 700, 650])
    alert = Alert.objects.get()
    assert [step["word"] for step in alert.steps] == [
        *("pending", "fired", "rose", "recovering"),
        "resolved",
    ]
    assert (alert.severity, alert.worst, alert.peak, alert.value) == ("critical", "critical", 6100, 650)
    assert alert.firing_since == moment(NOON + 2 * TICK_S)
    assert alert.pending_since == moment(NOON + TICK_S)
    assert alert.resolved_at == moment(last)
    assert state(rule).alert is None
    kinds = list(Event.objects.order_by("at").values_list("kind", "tone", "text"))
    assert [tone for _, tone, _ in kinds] == ["warn", "crit", "ok"]
    assert kinds[1][2] == "Many jobs wait: now critical: 6,100, above 5,000"


def test_a_restart_in_the_middle_of_the_wait_keeps_the_clock() -> None:
    make_rule(for_s=30)
    for tick in range(NOON, NOON + 40, TICK_S):
        assert not Alert.objects.exists()
        at(tick, Evaluator(), queue__high=2000)  # each time another process
    assert Alert.objects.get().firing_since == moment(NOON + 30)


def test_the_same_tick_is_evaluated_once() -> None:
    make_rule()
    assert at(NOON, queue__high=2000) == Report(NOON, rules=1, instances=1, errors=0, fired=1, resolved=0)
    assert at(NOON) is None
    assert at(NOON - TICK_S) is None
    assert Alert.objects.count() == 1
    with pytest.raises(ValueError, match="multiples of 10"):
        Evaluator().evaluate(tick=NOON + 1)


@pytest.mark.django_db(transaction=True)
def test_two_evaluators_that_race_make_one_alert() -> None:
    make_rule()
    record(NOON - 1, gauges={"queue.high": 2000})
    reports: list[Report | None] = []
    ready = threading.Barrier(4)

    def evaluate() -> None:
        ready.wait()
        reports.append(Evaluator().evaluate(tick=NOON))
        connection.close()

    threads = [threading.Thread(target=evaluate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([report for report in reports if report]) == 1
    assert (Alert.objects.count(), Event.objects.count()) == (1, 1)


def test_a_pattern_has_an_instance_per_series_and_an_idle_one_is_forgotten() -> None:
    make_rule(
        name="errors",
        kind="rate",
        metric="operation.*.errors",
        measure="share",
        denominator="operation.*",
        thresholds=ladder(warning=(1, 0.5)),
        min_events=4,
    )
    for second in (NOON - 1, NOON + 9):
        record(
            second,
            latencies={"operation.context": [0.01] * 9, "operation.jobs.get": [0.01] * 9, "operation.rare": [0.01]},
            counters={"operation.context.errors": 3},
        )
    at(NOON)
    row = AlertState.objects.get()
    assert (row.labels, row.phase) == ({"operation": "context"}, "firing")
    assert row.value == pytest.approx(100 / 3)
    record(NOON + 9, counters={"operation.jobs.get.errors": 0.0, "operation.rare.errors": 1})
    at(NOON + TICK_S)
    assert {row.labels["operation"]: row.phase for row in AlertState.objects.all()} == {
        "context": "firing",
        "jobs.get": "normal",
    }
    for tick in range(NOON + 2 * TICK_S, NOON + 8 * TICK_S, TICK_S):
        record(tick - 1, gauges={"queue.high": 1})
        at(tick)
    assert not AlertState.objects.exists()
    assert Alert.objects.get().resolved_at is not None


@pytest.mark.parametrize(
    ("policy", "phase"), [(NoData.ALERT, Phase.FIRING), (NoData.KEEP, Phase.NO_DATA), (NoData.OK, Phase.NO_DATA)]
)
def test_for_want_of_data_the_rules_policy_decides(policy: NoData, phase: Phase) -> None:
    rule = make_rule(no_data=policy)
    at(NOON, queue__high=1)
    record(NOON + 9, gauges={"queue.low": 1})
    at(NOON + TICK_S)
    row = state(rule)
    assert (row.phase, row.value, row.why) == (phase, None, "nobody sampled it in the window")
    assert [alert.is_no_data for alert in Alert.objects.all()] == [True] * (policy == NoData.ALERT)


def test_a_damaged_rule_says_so_and_stops_no_other() -> None:
    broken = make_rule(name="a-broken", thresholds=[{"severity": "loud"}])
    also = make_rule(name="b-broken", thresholds=ladder(warning=(1, 1)), measure="nope")
    rule = make_rule()
    report = at(NOON, queue__high=2000)
    assert report is not None
    assert (report.errors, report.fired) == (2, 1)
    assert state(rule).phase == Phase.FIRING
    assert {state(broken).phase, state(also).phase} == {Phase.ERROR}
    assert state(also).why == "The rule can't be judged: ValueError. Save it again to see what is wrong"


def test_alerts_end_with_their_rule() -> None:
    disabled, deleted = make_rule(), make_rule(name="other")
    at(NOON, queue__high=2000)
    AlertRule.objects.filter(pk=disabled.pk).update(is_enabled=False)
    deleted.delete()
    at(NOON + TICK_S, queue__high=2000)
    assert set(Alert.objects.values_list("rule_name", "end_reason")) == {
        ("depth", "The rule was disabled"),
        ("other", "The rule was deleted"),
    }
    assert not AlertState.objects.exists()


def test_an_alert_that_lost_its_state_ends_and_another_begins() -> None:
    rule = make_rule()
    at(NOON, queue__high=2000)
    AlertState.objects.all().delete()
    at(NOON + TICK_S, queue__high=2000)
    old, new = Alert.objects.order_by("firing_since")
    assert (old.end_reason, new.resolved_at) == ("Its series is gone", None)
    rule.delete()
    make_rule()
    at(NOON + 2 * TICK_S, queue__high=2000)
    assert Alert.objects.open().count() == 1


def test_an_alert_knows_what_happened_before_it_and_which_requests_were_slow() -> None:
    make_rule(metric="operation.context", measure="p95", window_s=60, thresholds=ladder(warning=(100, 80)))
    Event.objects.create(at=moment(NOON - 600), kind="flag", text="enhanced_prompts 10 → 25 %")
    Event.objects.create(at=moment(NOON - 3600), kind="flag", text="long ago")
    for seconds, trace in ((0.4, "b" * 32), (0.9, "a" * 32)):
        SlowRequest.objects.create(at=moment(NOON - 20), operation="operation.context", seconds=seconds, trace_id=trace)
    record(NOON - 1, latencies={"operation.context": [0.2] * 20})
    at(NOON)
    alert = Alert.objects.get()
    assert [change["text"] for change in alert.changes] == ["enhanced_prompts 10 → 25 %"]
    assert [(trace["trace_id"][0], trace["ms"]) for trace in alert.traces] == [("a", 900), ("b", 400)]
    assert alert.value == pytest.approx(200, rel=0.011)


def test_a_ratio_compares_with_the_control_cohort_or_with_the_period_before() -> None:
    control = make_rule(
        kind="ratio", metric="chat.response", measure="p95", baseline="control", thresholds=ladder(warning=(10, 5))
    )
    before = make_rule(
        name="before",
        kind="ratio",
        metric="requests",
        measure="rate",
        baseline="before",
        thresholds=ladder(warning=(50, 20)),
    )
    record(NOON - 15, latencies={"requests": [0.1] * 10})
    record(
        NOON - 5,
        latencies={"chat.response.control": [0.1], "chat.response.exposed": [0.12], "requests": [0.1] * 20},
    )
    at(NOON)
    assert state(control).value == pytest.approx(20, abs=2)
    assert (state(before).value, state(before).phase) == (100, Phase.FIRING)


def test_a_budget_burns_only_when_both_windows_say_so() -> None:
    pair = [{"severity": "critical", "fire": 14.4, "clear": 14.4, "long_s": 3600, "short_s": 300}]
    rule = make_rule(
        kind="burn", metric="requests.errors", measure="share", denominator="requests", objective=0.999, thresholds=pair
    )
    for second in range(NOON - 3600, NOON, 300):
        is_bad = second < NOON - 1200
        record(second, latencies={"requests": [0.1] * 100}, counters={"requests.errors": 9 if is_bad else 0})
    roll_up(now=NOON + 10)
    at(NOON)
    assert (state(rule).phase, state(rule).value) == (Phase.NORMAL, 0)
    for second in range(NOON, NOON + 300, 150):
        record(second, latencies={"requests": [0.1] * 100}, counters={"requests.errors": 5})
    roll_up(now=NOON + 310)
    at(NOON + 300)
    row = state(rule)
    assert (row.phase, row.severity) == (Phase.FIRING, "critical")
    assert row.value == pytest.approx(50)


def test_a_counter_that_stands_still_is_zero_and_one_that_nobody_sends_is_unknown() -> None:
    rule = make_rule(metric="requests.errors", measure="count", thresholds=ladder(warning=(5, 2)))
    record(NOON - 1, counters={"requests.errors": 1})
    record(NOON + 9, gauges={"queue.high": 1})
    at(NOON + TICK_S)
    assert state(rule).value == 0
    at(NOON + 2 * TICK_S)
    assert (state(rule).value, state(rule).phase) == (None, Phase.NO_DATA)


def test_one_can_see_when_alerts_were_evaluated_and_that_it_is_late() -> None:
    assert alerts.evaluated(moment(NOON)).is_late
    make_rule()
    at(NOON, queue__high=1)
    assert alerts.evaluated_at() == moment(NOON)
    fresh = alerts.evaluated(moment(NOON + 14))
    assert (fresh.age_s, fresh.is_late, fresh.rules) == (14, False, 1)
    assert alerts.evaluated(moment(NOON + 35)).is_late


def test_the_watch_evaluates_each_tick_once_its_figures_are_complete() -> None:
    watch = alerts.Watch()
    for second in range(NOON, NOON + 14):
        watch.tick(second)
    assert alerts.evaluated_at() == moment(NOON)
    watch.tick(NOON + 14)
    assert alerts.evaluated_at() == moment(NOON + TICK_S)
    assert AlertRule.objects.filter(is_builtin=True).count() == len(alerts.rules.DEFAULTS)


def test_every_default_rule_is_valid_and_judged_without_error() -> None:
    alerts.Watch().tick(NOON)
    for rule in AlertRule.objects.all():
        alerts.rules.draft({}, of=rule)
    report = at(NOON + TICK_S, queue__high=5)
    assert report is not None
    assert (report.rules, report.errors) == (len(alerts.rules.DEFAULTS), 0)


def test_a_breaker_that_opens_is_an_alert_of_its_own() -> None:
    alerts.rules.make_defaults(moment(NOON))
    AlertRule.objects.exclude(name="breaker-opened").delete()
    record(NOON - 5, counters={"breaker.embedding.opened": 1})
    at(NOON)
    alert = Alert.objects.get()
    assert (alert.labels, alert.instance) == ({"component": "providers", "breaker": "embedding"}, "embedding")
    record(NOON + 309, gauges={"queue.high": 1})
    at(NOON + 310)
    assert Alert.objects.get().resolved_at == moment(NOON + 310)


def test_a_hundred_rules_take_few_queries() -> None:
    measures = ("p95", "count")
    for number in range(20):
        make_rule(name=f"r{number}", metric=f"operation.o{number}", measure=measures[number % 2], window_s=300)
    record(NOON - 1, latencies={f"operation.o{number}": [0.01] for number in range(20)})
    evaluator = Evaluator()
    with CaptureQueriesContext(
        connection,
    ) as few:
        evaluator.evaluate(tick=NOON)
    for number in range(20, 100):
        make_rule(name=f"r{number}", metric=f"operation.o{number}", measure=measures[number % 2], window_s=300)
    record(NOON + 9, latencies={f"operation.o{number}": [0.01] for number in range(100)})
    with CaptureQueriesContext(connection) as many:
        evaluator.evaluate(tick=NOON + TICK_S)
    assert len(many) <= len(few) <= 20
    assert AlertState.objects.filter(phase=Phase.NORMAL).count() == 100


def test_gauges_tell_how_many_fire() -> None:
    make_rule(thresholds=ladder(warning=(1000, 800), critical=(5000, 4000)))
    at(NOON, queue__high=6000)
    figures = alerts.gauges()
    assert (figures["alerts.firing"], figures["alerts.firing.critical"]) == (1, 1)
    assert timedelta(seconds=figures["alerts.evaluated_age_s"]) > timedelta(days=30)


def test_an_alert_may_go_without_data_for_weeks() -> None:
    rule = make_rule(metric="queue.*", no_data=NoData.KEEP)
    at(NOON, queue__high=2000)
    AlertState.objects.update(missed=32_767)  # as much as its column holds
    at(NOON + 60)
    found = state(rule)
    assert (found.phase, found.value, found.missed) == (Phase.FIRING, None, 3)
    assert Alert.objects.open().count() == 1


def test_alerts_that_go_on_take_no_more_statements_the_more_they_are() -> None:
    counted = []
    for number in range(3):
        for each in range(10 * number, 10 * number + 10):
            make_rule(name=f"rule-{each}")
        evaluator = Evaluator()
        at(NOON + 20 * number, evaluator, queue__high=2000)
        record(NOON + 20 * number + 9, gauges={"queue.high": 2001})
        with CaptureQueriesContext(connection) as queries:
            at(NOON + 20 * number + 10, evaluator)
        counted.append(len(queries))
        assert Alert.objects.open().count() == 10 * number + 10
    assert len(set(counted)) == 1
