from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from flags.models import Flag, FlagChange, RolloutPlan
from flags.views.board import guarded, states
from flags.views.board.gather import gather
from flags.views.board.states import Standing
from flags.views.board.stops import lit, stops
from tests.flags.make import make_flag
from tests.flags.scene import make_plan

NOW = timezone.now()
TODAY = NOW.date()
DAY = timedelta(days=1)


def word(fields: dict[str, Any], plan: dict[str, Any] | None = None, **said: bool) -> str:
    flag = Flag(name="f", **{"percent": Decimal(25), "version": 3} | fields)
    made = RolloutPlan(flag=flag, **{"flag_version": 3} | plan) if plan else None
    return states.mark(Standing(flag, flag.share, made, **said), now=NOW).word


@pytest.mark.parametrize(
    ("fields", "plan", "said"),
    [
        ({}, None, "Partly on"),
        ({"percent": 100}, None, "Complete"),
        ({"percent": 0}, None, "Off"),
        ({"percent": None}, None, "Off"),
        ({"everyone": True}, None, "Complete"),
        ({"everyone": False}, None, "Off"),
        ({"expires_on": TODAY - DAY}, None, "Expired"),
        ({"expires_on": TODAY}, None, "Partly on"),
        ({"starts_at": NOW + DAY}, None, "Scheduled"),
        ({"ends_at": NOW - DAY}, None, "Off"),
        ({}, {"state": "running"}, "Soaking"),
        ({"expires_on": TODAY - DAY}, {"state": "running"}, "Soaking"),
        ({}, {"state": "held"}, "Held"),
        ({}, {"state": "asking"}, "Needs a decision"),
        ({"percent": 0}, {"state": "scheduled"}, "Scheduled"),
        ({"percent": 0}, {"state": "rolled_back"}, "Rolled back"),
        ({"percent": 10, "version": 4}, {"state": "rolled_back"}, "Partly on"),
        ({}, {"state": "done"}, "Partly on"),
    ],
)
def test_where_a_flag_stands_is_one_word(fields: dict[str, Any], plan: dict[str, Any] | None, said: str) -> None:
    assert word(fields, plan) == said


def test_a_pin_of_the_environment_says_more_than_a_plan() -> None:
    assert word({}, {"state": "running"}, is_pinned=True) == "Pinned by environment"


@pytest.mark.django_db
def test_a_flag_is_killed_until_its_switch_is_touched_again() -> None:
    flag = make_flag(percent=25, everyone=False)
    of = {"before": {"everyone": None}, "after": {"everyone": False}}
    made = {"flag": flag, "name": flag.name, "version": flag.version, "actor": "ops", "reason": "It leaks"}
    FlagChange.objects.create(**made, **of, action="kill", at=NOW - DAY)
    FlagChange.objects.create(**made, before={"note": ""}, after={"note": "x"}, action="edit", at=NOW)
    assert [states.mark(each, now=NOW).word for each in gather()] == ["Killed"]
    FlagChange.objects.create(**made, **of, action="edit", at=NOW)
    assert [states.mark(each, now=NOW).word for each in gather()] == ["Off"]


def test_the_stops_are_the_plans_and_always_hold_where_the_flag_stands() -> None:
    found = stops("/rollouts/f/", Decimal("12.5"))
    assert [stop.text for stop in found.listed] == ["0", "1", "10", "12.5", "25", "50", "100"]
    assert found.listed[found.at].href == ""
    assert (found.before and found.before.text, found.after and found.after.text) == ("10", "25")
    assert found.after
    assert found.after.href == "/rollouts/f/share/?percent=25"
    many = stops("/rollouts/f/", Decimal(10), [Decimal(percent) for percent in range(1, 21)])
    assert [stop.text for stop in many.listed] == ["0", "7", "8", "9", "10", "11", "12", "100"]


def test_the_summarys_ticks_are_the_stops_that_the_share_has_passed() -> None:
    assert lit(Decimal(25)) == (True, True, True, False, False)


@pytest.mark.django_db
def test_the_guard_says_how_far_a_stage_is_and_why_it_rolled_back() -> None:
    flag = make_flag("soaking", percent=10)
    plan = make_plan(flag, now=NOW, at=2, stages=((1, 10), (10, 60), (100, 60)), looks=3)
    plan.refresh_from_db()
    standing = Standing(flag, flag.share, plan)
    assert guarded.said(standing, is_paused=False, now=NOW) == (guarded.WITHIN, "34 of 60 min soaked")
    assert guarded.said(standing, is_paused=True, now=NOW) == (guarded.PAUSED, "acts on nothing")
    plan.state, plan.ended_at, plan.flag_version = "rolled_back", NOW, flag.version
    proved = {"metrics": {"errors": {"e_harm": 412.0, "ratio": 1.93}}, "thresholds": {"harm": 60.0}}
    plan.evidence = proved
    assert guarded.said(standing, is_paused=False, now=NOW)[1] == "errors +93 % at 10 %"
    plan.evidence, plan.said = None, "ops rolled it back to 0 %: complaints. More."
    assert guarded.said(standing, is_paused=False, now=NOW)[1] == "ops rolled it back to 0 %: complaints"


@pytest.mark.django_db
def test_what_nobody_can_compare_is_not_watched() -> None:
    whole, off = make_flag("whole", percent=100), make_flag("off", percent=0)
    locked = make_flag("locked", percent=50, is_locked=True, kind="safety")
    said = [guarded.said(Standing(each, each.share), is_paused=False, now=NOW)[1] for each in (whole, off, locked)]
    assert said == ["no control cohort", "nobody is exposed", "safety flag, admin only"]


@pytest.mark.django_db
def test_nobody_but_an_operator_changes_a_flag_and_nobody_a_frozen_one() -> None:
    flag, locked = Flag(name="f"), Flag(name="g", is_locked=True)
    given = {"is_pinned": False, "is_frozen": False, "may_change": True, "may_approve": False}
    assert guarded.refused(flag, **given) == ""
    assert guarded.refused(flag, **given | {"may_change": False}) == "Only operators may change flags"
    assert guarded.refused(locked, **given) == "Locked: only admins may change it"
    assert guarded.refused(locked, **given | {"may_approve": True}) == ""
    assert "FLAG_FORCE" in guarded.refused(flag, **given | {"is_pinned": True})
    assert "frozen" in guarded.refused(flag, **given | {"is_frozen": True})
