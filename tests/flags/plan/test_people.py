"""What people may do with a plan, what they are refused, and what stays of it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from flags import change, plan
from flags.errors import ConflictError, InvalidError, NotAllowedError, UnknownFlagError
from flags.models import FlagChange, RolloutPlan
from flags.watch import Watch
from monitoring.models import AuditEntry
from tests.flags.make import make_flag
from tests.flags.plan.made import ADA, BECAUSE, BEGAN, BOB, begin, looks, measure, minute

pytestmark = pytest.mark.django_db
State = RolloutPlan.State
VIEWER = change.Person("vic", may_change=False, may_approve=False)


def test_a_flag_that_is_off_is_given_to_the_first_share() -> None:
    flag = make_flag("enhanced", percent=25, everyone=False)
    made = begin(flag)
    flag.refresh_from_db()
    assert (flag.everyone, str(flag.percent), made.stage) == (None, "10.000", 1)
    assert made.began_version == made.flag_version == flag.version


def test_a_template_begins_at_the_flags_own_share() -> None:
    made = begin(make_flag("enhanced", percent=10), stages=None, template="standard")
    assert [stage.percent for stage in made.stages.all()] == [10, 25, 50, 100]


@pytest.mark.parametrize(
    ("asked", "field", "said"),
    [
        ({"stages": []}, "stages", "1 to 20 stages"),
        ({"stages": [(1, 5)] * 21}, "stages", "1 to 20 stages"),
        ({"stages": [(10, 5), (10, 5)]}, "stages", "Stage 2: 10 % must be more than the 10 %"),
        ({"stages": [(101, 5)]}, "stages", "Stage 1: a share is above 0 and at most 100 %"),
        ({"stages": [("1.2345", 5)]}, "stages", "at most 3 decimals"),
        ({"stages": [(5, -1)]}, "stages", "the dwell in minutes is a number from 0"),
        ({"stages": [(2, 5), (100, 5)]}, "stages", "stands at 5 %"),
        ({"stages": None, "template": "bold"}, "template", "standard, careful, swift"),
        ({"policy": {"alpha": 2, "nerve": 1}}, "policy.alpha", "0.001 to 0.2"),
        ({"policy": {"limits": {"latency": {"margin": 1.2}}}}, "policy.limits", "margin and floor"),
        ({"reason": "why not"}, "reason", "8 to 500"),
        ({"starts_at": minute(60 * 24 * 91)}, "starts_at", "90 days"),
    ],
)
def test_what_is_no_plan_is_refused_with_its_field(asked: dict[str, Any], field: str, said: str) -> None:
    flag = make_flag("enhanced", percent=5)
    with pytest.raises(InvalidError) as refused:
        begin(flag, **asked)
    assert field in [name for name, _ in refused.value.faults]
    assert said in str(refused.value)
    assert not RolloutPlan.objects.exists()


def test_who_may_not_change_the_flag_may_not_start_or_hold() -> None:
    flag = make_flag("enhanced", percent=0, is_locked=True)
    for person in (VIEWER, BOB):
        with pytest.raises(NotAllowedError):
            begin(flag, by=person)
    begin(flag)
    with pytest.raises(NotAllowedError):
        plan.hold("enhanced", by=BOB, reason=BECAUSE, now=BEGAN)
    with pytest.raises(UnknownFlagError):
        plan.end("nothing", by=ADA, reason=BECAUSE, now=BEGAN)


def test_nothing_starts_where_it_could_not_mean_anything() -> None:
    flag = make_flag("enhanced", percent=0)
    with pytest.raises(ConflictError, match="nothing to roll out"):
        begin(make_flag("on", percent=100))
    change.freeze(True, by=ADA, reason="The holidays have begun.", now=BEGAN)
    with pytest.raises(ConflictError, match="frozen"):
        begin(flag)
    change.freeze(False, by=ADA, reason="The holidays are over.", now=BEGAN)
    begin(flag)
    with pytest.raises(ConflictError, match="has a plan already"):
        begin(flag)


def test_after_a_rollback_it_cools_down_unless_somebody_says_why_not() -> None:
    flag = make_flag("enhanced", percent=0)
    begin(flag)
    plan.roll_back("enhanced", by=ADA, reason="Broke the checkout.", now=minute(3))
    flag.refresh_from_db()
    assert flag.share == 0
    with pytest.raises(ConflictError, match="rolled back 10 minutes ago"):
        begin(flag, now=minute(13))
    begin(flag, now=minute(13), reason="Fixed in 4.2.1, no cool-down needed.")


def test_a_hold_by_hand_stays_until_somebody_resumes() -> None:
    flag = make_flag("enhanced", percent=0)
    made = begin(flag)
    measure(flag)
    plan.hold("enhanced", by=BOB, reason="A demo for the board.", now=minute(1))
    looks(made, 8, first=2)
    assert (made.state, made.stage, made.causes) == (State.HELD, 1, ["by hand"])
    assert made.said == "bob holds it: A demo for the board."
    plan.resume("enhanced", by=BOB, reason="The demo is over now.", now=minute(10))
    looks(made, 1, first=11)
    assert (made.state, made.stage) == (State.RUNNING, 2)


def test_advancing_by_hand_says_that_it_was_before_its_time() -> None:
    flag = make_flag("enhanced", percent=0)
    begin(flag)
    made = plan.advance("enhanced", by=BOB, reason="Traffic is thin today.", now=minute(2))
    change_made = FlagChange.objects.get(action="advance")
    assert (change_made.actor, made.stage) == ("bob", 2)
    assert change_made.reason == "Before its time, after 0 of 5 minutes: Traffic is thin today."
    back = plan.jump("enhanced", 1, by=BOB, reason="Rather not, after all.", now=minute(3))
    flag.refresh_from_db()
    assert (back.stage, float(flag.share)) == (1, 10)
    for number, problem in ((1, ConflictError), (9, InvalidError)):
        with pytest.raises(problem):
            plan.jump("enhanced", number, by=BOB, reason=BECAUSE, now=minute(4))


def test_past_the_last_stage_it_is_complete_and_ended_it_stays() -> None:
    flag = make_flag("enhanced", percent=0)
    begin(flag)
    plan.jump("enhanced", 3, by=ADA, reason=BECAUSE, now=minute(1))
    assert plan.advance("enhanced", by=ADA, reason=BECAUSE, now=minute(2)).state == State.DONE
    other = make_flag("other", percent=0)
    begin(other)
    assert plan.end("other", by=ADA, reason=BECAUSE, now=minute(2)).state == State.ENDED
    other.refresh_from_db()
    assert float(other.share) == 10
    assert plan.open_plan(other.pk) is None


@pytest.mark.parametrize("verb", [plan.hold, plan.resume, plan.advance, plan.roll_back, plan.end])
def test_each_act_needs_a_reason_and_a_plan(verb: Callable[..., RolloutPlan]) -> None:
    flag = make_flag("enhanced", percent=0)
    with pytest.raises(ConflictError, match="no plan that is open"):
        verb("enhanced", by=ADA, reason=BECAUSE, now=BEGAN)
    begin(flag)
    with pytest.raises(InvalidError):
        verb("enhanced", by=ADA, reason="", now=BEGAN)


def test_a_scheduled_plan_begins_at_its_time() -> None:
    flag = make_flag("enhanced", percent=0)
    made = begin(flag, starts_at=minute(30))
    watch = Watch()
    watch.tick(int(minute(29).timestamp()))
    flag.refresh_from_db()
    assert (made.state, float(flag.share)) == (State.SCHEDULED, 0)
    watch.tick(int(minute(30).timestamp()))
    made.refresh_from_db()
    flag.refresh_from_db()
    assert (made.state, made.stage, float(flag.share), made.starts_at) == (State.RUNNING, 1, 10, minute(30))
    assert FlagChange.objects.get(name="enhanced", actor="plan").reason == f"Begins as scheduled: {BECAUSE}"


def test_a_scheduled_plan_of_a_flag_that_was_changed_waits_for_people() -> None:
    flag = make_flag("enhanced", percent=0)
    made = begin(flag, starts_at=minute(30))
    change.change("enhanced", expect=flag.version, edit={"percent": Decimal(2)}, by=BOB, reason=BECAUSE, now=BEGAN)
    watch = Watch()
    watch.tick(int(minute(30).timestamp()))
    made.refresh_from_db()
    assert (made.state, made.causes) == (State.HELD, ["changed by hand"])
    plan.resume("enhanced", by=BOB, reason="That was meant, go on.", now=minute(31))
    watch.tick(int(minute(31).timestamp()))
    made.refresh_from_db()
    assert (made.state, made.stage) == (State.RUNNING, 1)


def test_all_of_it_is_in_the_audit_log() -> None:
    flag = make_flag("enhanced", percent=0)
    begin(flag)
    plan.hold("enhanced", by=BOB, reason=BECAUSE, now=minute(1))
    plan.resume("enhanced", by=BOB, reason=BECAUSE, now=minute(2))
    plan.advance("enhanced", by=BOB, reason=BECAUSE, now=minute(3))
    plan.roll_back("enhanced", by=BOB, reason=BECAUSE, now=minute(4))
    actions = AuditEntry.objects.filter(action__startswith="plan.").order_by("at").values_list("action", flat=True)
    assert list(actions) == ["plan.start", "plan.hold", "plan.resume", "plan.advance", "plan.roll_back"]


def test_where_a_plan_stands_is_told_in_words() -> None:
    flag = make_flag("enhanced", percent=0)
    made = begin(flag)
    measure(flag)
    looks(made, 3)
    view = plan.standing(made, now=minute(3))
    assert (view.number, float(view.percent), view.soaked) == (1, 10, "3 of 5 min soaked")
    assert view.next_step == "next: 50 % at 09:05 if the guard still holds"
    assert [str(stage.state) for stage in view.stages] == ["soaking", "waiting", "waiting"]
    assert [row.metric for row in view.rows] == ["latency", "slow", "errors"]
    assert {str(row.state) for row in view.rows} == {"safe"}
    assert (view.exposed.units, view.control.units) == (60, 540)
    looks(made, 2, first=4)
    assert [str(stage.state) for stage in plan.standing(made, now=minute(5)).stages] == ["passed", "soaking", "waiting"]
