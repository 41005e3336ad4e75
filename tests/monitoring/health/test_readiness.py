"""Readiness of this very installation: assessed, kept, thinned out, and answered to those who may know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from memory.health import checks
from memory.models import Scope
from monitoring.health.readiness import Level, assess, measures
from monitoring.health.readiness.assess import Assessment, RuleState, forget
from monitoring.health.readiness.history import Keeper, prune, trend
from monitoring.health.readiness.score import Score
from monitoring.metrics import read, record
from monitoring.models import ReadinessResult
from tests.make import NOW, make_key
from tests.monitoring.recorded import publish, record_hour

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    forget()
    monkeypatch.setattr(checks, "PING_S", 0.05)  # nobody is there to answer


def make_result(at: datetime, score: float | None = 90.0) -> ReadinessResult:
    return ReadinessResult.objects.create(at=at, score=score, confidence=80, level="silver")


def get(path: str, scope: Scope = Scope.READ) -> dict[str, object]:
    answer = Client().get(path, headers={"Authorization": f"Bearer {make_key(scope=scope)}"})
    assert answer.status_code == 200, answer.content
    found: dict[str, object] = answer.json()
    return found


def test_an_installation_with_traffic_is_assessed_by_every_component() -> None:
    now = timezone.now()
    record_hour(now=now)
    publish(now=now)
    found = assess(now=now)
    components = {each.rule.component for each in found.judged}
    assert components >= {"flags", "monitoring", "processing", "database", "caches", "providers", "fallbacks"}
    assert components >= {"security", "backups", "migrations", "serving", "alerts"}
    states = {each.rule.name: each.state for each in found.judged}
    assert states["database"] is RuleState.MET
    assert states["migrations"] is RuleState.MET
    assert states["context-p95"] is not RuleState.UNKNOWN
    assert states["backups"] is RuleState.UNKNOWN
    assert states["workers"] is RuleState.FAILED, "no worker runs here"
    assert all(each.what_to_do for each in found.judged if each.state is not RuleState.MET)
    assert 0 < found.score.confidence < 100


def test_a_backup_is_judged_by_the_age_of_its_stamp(tmp_path: Path) -> None:
    stamp = tmp_path / "done"
    with override_settings(HOLDFAST_BACKUP_STAMP=str(stamp)):
        assert "can't be read" in measures.backup_age(timezone.now()).unknown
        stamp.touch()
        hours = measures.backup_age(timezone.now() + timedelta(hours=30)).value
    assert hours == pytest.approx(30, abs=0.1)
    assert "HOLDFAST_BACKUP_STAMP" in measures.backup_age(timezone.now()).unknown


def test_the_aggregator_keeps_an_assessment_a_minute_and_the_gauge_all_along() -> None:
    asked: list[datetime] = []

    def assessed(*, now: datetime) -> Assessment:
        asked.append(now)
        return Assessment(now, Score(91.5, 80.0, Level.SILVER, False), [])

    keeper, start = Keeper(assess=assessed), int(NOW.timestamp())
    record.drain()
    for second in range(start, start + 121):
        keeper.tick(second)
    assert [at.second for at in asked] == [0, 0, 0]
    assert list(ReadinessResult.objects.order_by("at").values_list("score", flat=True)) == [91.5] * 3
    assert record.drain().gauges == {"readiness.score": 91.5}


def test_history_is_thinned_to_hours_after_a_month_and_ends_after_thirteen() -> None:
    old, older = NOW - timedelta(days=31), NOW - timedelta(days=400)
    for minute in range(3):
        make_result(NOW - timedelta(days=29, minutes=minute))
        make_result(old.replace(minute=10) + timedelta(minutes=minute))
    make_result(older)
    prune(now=NOW)
    left = list(ReadinessResult.objects.order_by("at").values_list("at", flat=True))
    assert len(left) == 4
    assert left[0] == old.replace(minute=10)


def test_a_trend_is_the_mean_of_each_step_with_gaps_where_nobody_looked() -> None:
    span = read.span("1h", now=NOW)
    for value, step in ((80.0, 0), (90.0, 0), (70.0, 5)):
        make_result(span.moment(step) + timedelta(seconds=value / 10), value)
    scores, confidences = trend(span)
    stands = [85.0] * 4 + [None] + [70.0] * 4
    assert scores[:9] == stands, "each stands for a minute and a half where no other comes"
    assert not any(scores[9:])
    assert confidences[5] == 80


def test_the_api_answers_score_rules_and_history() -> None:
    make_result(datetime.now(UTC) - timedelta(minutes=10))
    found = get("/api/v1/readiness")
    assert isinstance(found["rules"], list)
    assert {"name", "state", "points", "what_to_do", "as_of"} <= found["rules"][0].keys()
    assert found["took_ms"]
    history = get("/api/v1/readiness/history?range=1h")
    assert {point["score"] for point in history["items"]} == {90.0}  # type: ignore[attr-defined]
    assert Client().get("/api/v1/readiness").status_code == 401
