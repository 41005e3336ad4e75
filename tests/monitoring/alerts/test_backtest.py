from __future__ import annotations

from datetime import timedelta

import pytest

from monitoring import alerts
from monitoring.metrics import read
from monitoring.metrics.read import Span
from monitoring.models import Alert, AlertRule, Severity
from tests.monitoring.alerts.made import at, ladder, make_rule, store_forty_minutes
from tests.monitoring.blobs import NOON, moment

pytestmark = pytest.mark.django_db
START = NOON - 2400
SPAN = Span(moment(START), moment(NOON), 60)


def minutes(test: alerts.Backtest) -> list[tuple[int, int | None]]:
    """When it would have fired, in minutes from the start."""
    return [
        (
            int((each.start - SPAN.start).total_seconds()) // 60,
            int((each.end - SPAN.start).total_seconds()) // 60 if each.end else None,
        )
        for each in test.fired
    ]


def test_a_rule_tells_when_it_would_have_fired_how_long_and_how_badly() -> None:
    store_forty_minutes()
    rule = make_rule(
        thresholds=ladder(warning=(1000, 800), critical=(6010, 5000)), window_s=60, for_s=120, keep_firing_s=60
    )
    test = alerts.backtest(rule, SPAN)
    assert minutes(test) == [(8, 17)]
    [fired] = test.fired
    assert (fired.peak, fired.severity, test.count) == (6014, Severity.CRITICAL, 1)
    assert (test.longest_s, test.evaluated) == (9 * 60, 40)
    rule.for_s = 0
    # the second alert of an hour takes longer to resolve
    assert minutes(alerts.backtest(rule, SPAN)) == [(6, 17), (31, 34)]


def test_the_past_is_judged_as_the_present_would_have_judged_it() -> None:
    store_forty_minutes()
    rule = make_rule(metric="operation.context", measure="p95", window_s=300, thresholds=ladder(warning=(100, 80)))
    share = make_rule(
        name="share", kind="rate", metric="requests.errors", measure="share", denominator="requests", window_s=300
    )
    AlertRule.objects.filter(pk=share.pk).update(thresholds=ladder(warning=(3, 2)))
    share.refresh_from_db()
    for tick in range(START + 17 * 60, START + 37 * 60, 60):
        at(tick)
    for one in (rule, share):
        lived = [
            (int((alert.firing_since - SPAN.start).total_seconds()) // 60, alert.resolved_at)
            for alert in Alert.objects.filter(rule=one).order_by("firing_since")
        ]
        asked = alerts.backtest(one, SPAN).fired
        assert [int((each.start - SPAN.start).total_seconds()) // 60 for each in asked] == [start for start, _ in lived]
        assert [each.end for each in asked] == [end for _, end in lived]
        assert lived


def test_the_series_of_a_rule_is_in_its_unit_and_a_pattern_has_several() -> None:
    store_forty_minutes()
    rule = make_rule(metric="operation.*", measure="p95", window_s=60, thresholds=ladder(warning=(100, 80)))
    values = alerts.series(rule, SPAN)
    assert len(values) == 40
    assert values[25] == pytest.approx(400, rel=0.011)
    assert values[0] == pytest.approx(20, rel=0.011)
    fine = alerts.series(rule, read.span("1h", now=moment(NOON + 10)))
    assert (len(fine), fine[0]) == (120, None)
    assert max(value for value in fine if value is not None) == pytest.approx(400, rel=0.011)
    test = alerts.backtest(rule, SPAN)
    assert [one.name for one in test.instances] == ["context"]
    assert minutes(test) == [(21, 29)]
    assert test.instances[0].values == values


def test_what_was_never_recorded_would_never_have_fired() -> None:
    rule = make_rule(metric="queue.low")
    test = alerts.backtest(rule, SPAN)
    assert (test.fired, set(test.instances[0].values)) == ([], {None})
    assert alerts.series(rule, SPAN) == [None] * 40


def test_more_than_is_kept_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 30 days"):
        alerts.backtest(make_rule(), Span(moment(NOON) - timedelta(days=31), moment(NOON), 3600))
