from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from flags import bucketing, catalog
from flags.guard.policy import Policy
from flags.models import FlagChange, Override, RolloutPlan
from flags.plan.standing import Judgement, Row
from flags.views.opened import bands, charts, forest, held, tester, trail
from flags.views.unit import variants
from monitoring import audit
from monitoring.metrics import read
from monitoring.metrics.read import Span
from monitoring.metrics.sketch import LOWEST, WIDTH, Sketch
from tests.flags.make import make_flag
from tests.flags.scene import changed, fill

NOW = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)


def dense(times: list[float]) -> bands.Numbers:
    row = np.zeros((1, WIDTH))
    for index, count in Sketch.of(times).buckets.items():
        row[0, index - LOWEST] = count
    return row


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.001, 10), max_size=300))
def test_a_quantiles_interval_holds_it_and_narrows_with_more_requests(times: list[float]) -> None:
    (low,), (middle,), (high,) = bands.quantile(dense(times), LOWEST, 0.95)
    if not times:
        assert (low, middle, high) == (None, None, None)
        return
    assert low is not None
    assert middle is not None
    assert high is not None
    assert low <= middle <= high
    assert middle == Sketch.of(times).quantile(0.95)
    (more,), _, (most,) = bands.quantile(dense(times) * 100, LOWEST, 0.95)
    assert more is not None
    assert most is not None
    assert low <= more <= most <= high


def test_the_interval_of_p95_is_that_of_its_order_statistics() -> None:
    # of 1,000 values the ranks 950 ± 1.96 √(1000 · 0.95 · 0.05) = 936.5 and 963.5
    times = [n / 1000 for n in range(1, 1001)]
    (low,), _, (high,) = bands.quantile(dense(times), LOWEST, 0.95)
    assert low == pytest.approx(0.937, rel=0.02)
    assert high == pytest.approx(0.964, rel=0.02)


def test_a_shares_interval_is_wilsons() -> None:
    low, middle, high = bands.share([0, 5, 0], [0, 100, 50])
    assert (low[0], middle[0], high[0]) == (None, None, None)
    assert [low[1], middle[1], high[1]] == pytest.approx([0.02154, 0.05, 0.11175], abs=1e-4)
    assert (low[2], middle[2]) == (0.0, 0.0)
    assert high[2] == pytest.approx(0.0714, abs=1e-3)


@pytest.mark.django_db
def test_both_arms_are_drawn_with_bands_and_the_legend_names_the_two() -> None:
    now = timezone.now()
    flags = fill(now=now)
    arms = charts.gather("enhanced_prompts", read.span("1h", now=now))
    assert (arms.span.points, arms.span.step_s) == (40, 90)
    assert arms.requests["control"] > arms.requests["exposed"] > 0
    given: dict[str, Any] = {"range_name": "1h", "events": [], "spans": []}
    chart = charts.latency("enhanced_prompts", arms, **given)
    assert [line.name for line in chart.legend] == ["exposed", "control"]
    hidden = [series["name"] for series in chart.spec["series"] if series.get("hide")]
    assert hidden == ["control from", "control to", "exposed from", "exposed to"]
    assert chart.columns[1:] == [f"{arm}{part}, ms" for arm in ("control", "exposed") for part in (" from", " to", "")]
    low, high = chart.spec["range"]
    assert 0 < low < 70 < 120 < high
    assert charts.errors("enhanced_prompts", arms, **given).title == "Error rate, %"
    (span,) = held.spans(flags["enhanced_prompts"].name, arms.span, is_held=False)
    assert (span["tone"], span["text"]) == ("warn", "held")


@pytest.mark.django_db
def test_a_hold_is_tinted_until_what_was_done_next_or_until_now() -> None:
    span = Span(NOW - timedelta(hours=1), NOW, 30)
    minutes = {50: "plan.hold", 45: "plan.hold", 40: "plan.resume", 20: "plan.advance", 10: "plan.hold"}
    for ago, action in minutes.items():
        audit.record(actor="guard", action=action, subject="f", at=NOW - timedelta(minutes=ago))
    told = [(each["from"][11:16], each["to"][11:16]) for each in held.spans("f", span, is_held=True)]
    assert told == [("13:40", "13:50"), ("14:20", "14:30")]


def row(**fields: object) -> Row:
    given = {"metric": "latency", "title": "Latency", "ratio": 1.02, "low": 1.0, "high": 1.04, "margin": 1.1}
    evidence = {"floor": 1.03, "e_harm": 1.0, "e_safe": 30.0, "state": Judgement.UNPROVED}
    return Row(**given | evidence | fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "tone"),
    [
        ({}, "ok"),
        ({"high": 1.12}, "warn"),
        ({"high": None, "low": None}, "off"),
        ({"high": None, "low": None, "state": Judgement.WARNING}, "warn"),
        ({"state": Judgement.WARNING}, "warn"),
        ({"ratio": 1.3, "high": 1.4, "state": Judgement.HARM}, "crit"),
        ({"ratio": None, "low": None, "high": None, "state": Judgement.TOO_LITTLE}, "off"),
    ],
)
def test_a_forest_plot_is_coloured_by_what_its_band_says(fields: dict[str, object], tone: str) -> None:
    (found,) = forest.forests([row(**fields)], Policy())
    assert found.tone == tone


def test_a_forest_plot_runs_from_a_quarter_margin_better_to_a_quarter_beyond_it() -> None:
    (found,) = forest.forests([row(ratio=1.1, low=1.0, high=9.0, e_harm=60.0, e_safe=0.0)], Policy())
    assert (found.low, found.point, found.high) == (16.7, 83.3, 100.0)
    assert found.said == "+10.0 %"
    assert (found.harm.tone, found.harm.filled, found.safe.filled) == ("crit", 90.0, 0.0)
    assert [at for at, _ in found.harm.marks] == [pytest.approx(35.4, abs=0.1), 90.0]
    assert forest.change(0.958) == "\N{MINUS SIGN}4.2 %"


@pytest.mark.django_db
def test_the_trail_marks_the_guard_and_takes_back_only_the_last_change() -> None:
    flag = make_flag("f", percent=25, version=9)
    flag.refresh_from_db()
    changed(flag, at=NOW - timedelta(days=3), before=10, after=1, version=flag.version - 1, actor="guard")
    last = changed(flag, at=NOW - timedelta(hours=1), before=1, after=25)
    new, old = trail.trail(flag, may_change=True, now=NOW)
    assert (new.when, new.what, new.back) == ("Today 13:30", "1 to 25 %", f"/rollouts/changes/{last.pk}/undo/")
    assert (old.is_guard, old.what, old.back) == (True, "10 to 1 %", "")
    assert [step.back for step in trail.trail(flag, may_change=False, now=NOW)] == ["", ""]


def test_changes_are_told_in_words() -> None:
    def told(action: str, before: dict[str, object], after: dict[str, object]) -> str:
        return trail.told(FlagChange(action=action, before=before, after=after))

    assert told("kill", {"everyone": None, "percent": "25"}, {"everyone": False}) == "25 % to off"
    assert told("create", {}, {"percent": "0.001"}) == "created at 0.001 %"
    assert (
        told("edit", {"owner": "", "expires_on": None}, {"owner": "ana", "expires_on": "2027-01-01"}) == "expiry, owner"
    )


@pytest.mark.django_db
def test_the_tester_says_since_when_and_from_which_share_on() -> None:
    flag = make_flag("f", percent=50, salt="f", version=4)
    flag.refresh_from_db()
    inside = next(f"u{n}" for n in range(99) if 10 < bucketing.enters_at("f", f"u{n}") < 25)
    outside = next(f"u{n}" for n in range(99) if bucketing.enters_at("f", f"u{n}") > 50)
    changed(flag, at=NOW - timedelta(days=2), before=0, after=10)
    changed(flag, at=NOW - timedelta(hours=2), before=10, after=25)
    changed(flag, at=NOW - timedelta(hours=1), before=25, after=50)
    found = tester.tester(flag, Decimal(50), inside, now=NOW).answer
    assert found
    assert (found.mark.word, found.since, found.override) == ("Exposed", "in since 12:30", None)
    found = tester.tester(flag, Decimal(50), outside, now=NOW).answer
    assert found
    assert found.mark.word == "Control"
    assert found.since == f"in from {found.enters} % on"
    Override.objects.create(flag=flag, unit=outside, is_on=True, actor="ops", reason="Pilot user", at=NOW)
    make_flag("g")  # the snapshot is read anew
    found = tester.tester(flag, Decimal(50), outside, now=NOW).answer
    assert found
    assert (found.mark.word, found.why, found.override) == ("Exposed", "an override says always in", True)
    assert tester.tester(flag, Decimal(50), "  ", now=NOW).answer is None


@pytest.mark.django_db
def test_each_kind_of_unit_is_asked_for_by_its_name() -> None:
    spaces = make_flag("spaces", percent=100, unit="workspace")
    talks = make_flag("talks", percent=100, unit="conversation")
    assert tester.tester(spaces, Decimal(100), "w1", now=NOW).title == "Is this workspace in?"
    for flag in (spaces, talks):
        answer = tester.tester(flag, Decimal(100), "x", now=NOW).answer
        assert answer
        assert answer.mark.word == "Exposed"


@pytest.mark.django_db
def test_somebodys_variants_are_those_of_the_user_and_of_the_workspace() -> None:
    make_flag("all", percent=100)
    make_flag("none", percent=0)
    make_flag("talks", percent=100, unit="conversation")
    make_flag("spaces", percent=100, unit="workspace")
    known = {entry.name for entry in catalog.entries()}
    found = {each.name: each for each in variants("u1", "w1", now=NOW) if each.name not in known}
    assert {name: each.mark.word for name, each in found.items()} == {"all": "On", "none": "Off", "spaces": "On"}
    assert (found["all"].why, found["none"].why) == ("in the first 100 %", "nobody is in at 0 %")
    assert not [each for each in variants("u1", "", now=NOW) if each.name == "spaces"]


@pytest.mark.django_db
def test_the_tester_and_the_variants_are_fragments_and_pages(client: Client) -> None:
    client.force_login(User.objects.create_superuser("ops"))
    make_flag("f", percent=100)
    assert client.get("/rollouts/f/unit/?unit=u1")["Location"] == "/rollouts/?open=f&unit=u1"
    answer = client.get("/rollouts/f/unit/?unit=u1", headers={"HX-Request": "true"})
    assert answer["HX-Replace-Url"] == "/rollouts/?open=f&unit=u1"
    fragment = answer.content.decode()
    assert "Exposed" in fragment
    assert "<html" not in fragment
    assert "Exposed" in client.get("/rollouts/?open=f&unit=u1").content.decode()
    assert "<html" in client.get("/rollouts/unit/?unit=u1").content.decode()
    part = client.get("/rollouts/unit/?unit=u1", headers={"HX-Request": "true"}).content.decode()
    assert "in the first 100 %" in part
    assert "<html" not in part


@pytest.mark.django_db
def test_an_opened_flag_tells_its_stages_guard_rules_and_what_it_needs(client: Client) -> None:
    client.force_login(User.objects.create_superuser("ops"))
    flags = fill(now=timezone.now())
    flag = flags["enhanced_prompts"]
    flag.rules = [{"if": [{"attribute": "workspace", "operator": "in", "values": ["w1", "w2"]}], "then": True}]
    flag.needs = ["real_time_dedup"]
    flag.save()
    RolloutPlan.objects.filter(flag=flag).update(state="held", causes=["incident open"], flag_version=flag.version)
    text = " ".join(client.get("/rollouts/?open=enhanced_prompts").content.decode().split())
    for said in ("34 of 60 min", "incident open", "workspace in w1, w2", "real_time_dedup", "9,741 / 29,199", "Resume"):
        assert said in text
    for name, said in {"real_time_dedup": "No control cohort", "batch_processing": "Nobody is exposed"}.items():
        assert said in client.get(f"/rollouts/?open={name}").content.decode()
