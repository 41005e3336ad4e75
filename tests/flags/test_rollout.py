from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from flags import bucketing, rollout, snapshot
from flags.models import Flag, Unit
from flags.rollout import Why
from flags.snapshot import Compiled, Condition, Rule, Snapshot
from flags.snapshot import mine as of_process
from flags.snapshot.keep import Kept
from monitoring.metrics import record
from tests.flags.make import make_flag

pytestmark = pytest.mark.django_db
USERS = [f"user-{number}" for number in range(2000)]
BEGIN, END = (datetime(2026, 11, day, tzinfo=UTC) for day in (10, 20))


def share(name: str) -> set[str]:
    snapshot.forget()
    return {user for user in USERS if rollout.is_on(name, user)}


def when(attribute: str, operator: str, *values: Any, then: bool = True) -> dict[str, Any]:
    return {"if": [{"attribute": attribute, "operator": operator, "values": list(values)}], "then": then}


def why(name: str = "enhanced", unit: str = "mara", **asked: Any) -> tuple[bool, Why, str]:
    """What decides, once it is sure that the fast way gives the same answer."""
    decision = rollout.decide(name, unit, **asked)
    if "now" not in asked:
        assert rollout.is_on(name, unit, **asked) == decision.is_on
    return decision.is_on, decision.why, decision.by


def counted(name: str) -> int:
    return int(record.drain().counters.get(name, 0))


def test_a_flag_that_nobody_knows_is_off_and_counted() -> None:
    counted(rollout.UNKNOWN)
    assert not rollout.is_on("nothing", "mara")
    assert counted(rollout.UNKNOWN) == 1


def test_without_the_unit_that_it_draws_a_flag_is_off_and_that_is_counted() -> None:
    make_flag(percent=100)
    make_flag("of_workspaces", percent=100, unit=Unit.WORKSPACE)
    counted(rollout.NO_UNIT)
    assert why(unit="") == (False, Why.NO_UNIT, "")
    assert why("of_workspaces") == (False, Why.NO_UNIT, "")
    assert why("of_workspaces", "", workspace="w1") == (True, Why.SPLIT, "")
    assert counted(rollout.NO_UNIT) == 4


def test_a_flag_is_exact_at_0_and_at_100_and_everyone_overrules_the_share() -> None:
    flag = Flag.objects.create(name="batches", percent=Decimal(0))
    assert share("batches") == set()
    Flag.objects.filter(pk=flag.pk).update(percent=Decimal(100))
    assert share("batches") == set(USERS)
    Flag.objects.filter(pk=flag.pk).update(everyone=False)
    assert share("batches") == set()
    Flag.objects.filter(pk=flag.pk).update(everyone=True, percent=Decimal(0))
    assert share("batches") == set(USERS)


def test_raising_the_share_keeps_everybody_who_was_in() -> None:
    flag = Flag.objects.create(name="batches", percent=Decimal(10))
    ten = share("batches")
    Flag.objects.filter(pk=flag.pk).update(percent=Decimal(25))
    twenty_five = share("batches")
    assert ten < twenty_five
    # three standard deviations of a binomial share of 2,000 units
    assert abs(len(ten) / len(USERS) - 0.10) < 0.021
    assert abs(len(twenty_five) / len(USERS) - 0.25) < 0.030


def test_two_flags_draw_independently() -> None:
    for name in ("one", "other"):
        Flag.objects.create(name=name, percent=Decimal(50))
    both = share("one") & share("other")
    assert abs(len(both) / len(USERS) - 0.25) < 0.030


def test_a_thousandth_of_a_percent_is_a_step_for_the_unit_that_stands_there() -> None:
    make_flag(percent=0)
    enters_at = rollout.decide("enhanced", "mara").enters_at
    assert enters_at is not None
    for percent, expected in ((enters_at - Decimal("0.001"), False), (enters_at, True)):
        Flag.objects.update(percent=percent)
        snapshot.forget()
        assert rollout.is_on("enhanced", "mara") is expected


def test_what_decides_comes_in_this_order() -> None:
    """Off or on for everyone, schedule, what is needed, overrides, rules, the share."""
    make_flag("needed", percent=100)
    rules = [when("plan", "in", "gold"), when("workspace", "in", "w1", then=False)]
    flag = make_flag(percent=0, rules=rules, needs=["needed"], starts_at=BEGIN, ends_at=END)
    flag.overrides.create(unit="out", is_on=False, actor="ops", reason="wanted", at=timezone.now())
    flag.overrides.create(unit="in", is_on=True, actor="ops", reason="wanted", at=timezone.now())
    gold: dict[str, Any] = {"attributes": {"plan": "gold"}}
    within = BEGIN.timestamp()

    def found(unit: str = "mara", now: float = within, **asked: Any) -> tuple[bool, Why, str]:
        snapshot.forget()
        return why(unit=unit, now=now, **asked)

    assert found() == (False, Why.SPLIT, "")
    assert found(workspace="w1") == (False, Why.RULE, "2")
    assert found(workspace="w1", **gold) == (True, Why.RULE, "1"), "the first that fits"
    assert found("out", **gold) == (False, Why.OVERRIDE, "")
    assert found("in") == (True, Why.OVERRIDE, "")
    assert found("in", now=within - 1) == (False, Why.SCHEDULE, "")
    assert found("in", now=END.timestamp()) == (False, Why.SCHEDULE, "")
    Flag.objects.filter(name="needed").update(everyone=False)
    assert found("in") == (False, Why.NEEDS, "needed")
    Flag.objects.filter(name="enhanced").update(everyone=True)
    assert found("out") == (True, Why.ON, "")
    Flag.objects.filter(name="enhanced").update(everyone=False)
    assert found("in", **gold) == (False, Why.OFF, "")


def test_a_flag_may_need_one_that_draws_other_units() -> None:
    make_flag("of_workspaces", percent=0, unit=Unit.WORKSPACE, rules=[when("workspace", "in", "w1")])
    make_flag(percent=100, needs=["of_workspaces"])
    assert why(workspace="w1") == (True, Why.SPLIT, "")
    assert why(workspace="w2") == (False, Why.NEEDS, "of_workspaces")
    make_flag("of_nobody", percent=100, needs=["gone"])
    assert why("of_nobody") == (False, Why.NEEDS, "gone")


def test_flags_that_need_each_other_are_off() -> None:
    make_flag("one", percent=100, needs=["other"])
    make_flag("other", percent=100, needs=["one"])
    assert why("one") == (False, Why.NEEDS, "other")


@pytest.mark.parametrize(
    ("operator", "values", "fits", "fails"),
    [
        ("in", ["gold", 3], ["gold", 3], ["silver", None, ["gold"]]),
        ("not_in", ["gold"], ["silver", None], ["gold"]),
        ("starts_with", ["eu-", "us-"], ["eu-1", "us-2"], ["xeu-", None, 3]),
        ("ends_with", [".org"], ["a.org"], ["a.com", None]),
        ("contains", ["beta"], ["a-beta-b"], ["alpha", 7, ["beta"]]),
        ("at_least", [3], [3, 3.5], [2, "3", True, None]),
        ("at_most", [3], [3, -1], [4, "3", False, None]),
        ("exists", [True], ["", 0, False], [None]),
        ("exists", [False], [None], ["x"]),
    ],
)
def test_a_rule_compares_attributes(operator: str, values: list[Any], fits: list[Any], fails: list[Any]) -> None:
    make_flag(percent=0, rules=[when("asked", operator, *values)])
    for value in fits:
        assert why(attributes={"asked": value}) == (True, Why.RULE, "1")
    for value in fails:
        assert why(attributes={"asked": value}) == (False, Why.SPLIT, "")


def test_all_conditions_of_a_rule_must_fit_and_an_attribute_called_workspace_is_the_workspace() -> None:
    both = {"if": [*when("workspace", "in", "w1")["if"], *when("plan", "in", "gold")["if"]], "then": True}
    make_flag(percent=0, rules=[both])
    assert why(workspace="w1", attributes={"plan": "gold"}) == (True, Why.RULE, "1")
    assert why(workspace="w2", attributes={"plan": "gold", "workspace": "w1"}) == (False, Why.SPLIT, "")


def test_a_change_is_seen_when_this_process_reads_anew() -> None:
    flag = Flag.objects.create(name="batches", percent=Decimal(100))
    assert rollout.is_on("batches", "mara")
    Flag.objects.filter(pk=flag.pk).update(percent=Decimal(0))
    assert rollout.is_on("batches", "mara"), "no question reads by itself"
    snapshot.forget()
    assert not rollout.is_on("batches", "mara")


# --- whatever the flag

percents = st.integers(0, 100_000).map(lambda steps: steps * bucketing.STEP)
conditions = st.builds(
    Condition,
    st.sampled_from(["workspace", "plan"]),
    st.sampled_from(["in", "not_in"]),
    st.tuples(st.sampled_from("ab")),
)
rules = st.lists(st.builds(Rule, st.lists(conditions, min_size=1, max_size=2).map(tuple), st.booleans()), max_size=2)


@st.composite
def flags(draw: st.DrawFn, name: str, needs: tuple[str, ...] = ()) -> Compiled:
    percent = draw(percents)
    return Compiled(
        name,
        draw(st.sampled_from(Unit)),
        draw(st.text("xyz", max_size=3)),
        percent,
        bucketing.threshold(percent),
        draw(st.sampled_from([None, None, None, True, False])),
        starts=draw(st.sampled_from([float("-inf"), 1e12])),
        always=draw(st.dictionaries(st.sampled_from("uvw"), st.booleans(), max_size=1)),
        rules=tuple(draw(rules)),
        needs=needs,
        id=1,
        is_plain=False,
    )


@examples(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flags("flag", ("needed",)), flags("needed"), percents, st.sampled_from(["", "u", "v"]), st.sampled_from("ab"))
def test_an_answer_is_sticky_and_only_the_share_and_more_of_it_lets_more_in(
    flag: Compiled, needed: Compiled, more: Decimal, unit: str, text: str
) -> None:
    def answer(known: Compiled) -> rollout.Decision:
        kept = Kept()
        kept.snapshot = Snapshot(1, {"flag": known, "needed": needed})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(of_process._Mine, "kept", kept)
            patch.setattr(of_process._Mine, "keeper", object())
            asked: dict[str, Any] = {"workspace": text, "conversation": unit, "attributes": {"plan": text}}
            decision = rollout.decide("flag", unit, **asked)
            assert decision == rollout.decide("flag", unit, **asked)
            assert rollout.is_on("flag", unit, **asked) == decision.is_on
            return decision

    first = answer(flag)
    raised = max(more, flag.percent)
    fields = {name: getattr(flag, name) for name in flag.__slots__}
    second = answer(Compiled(**fields | {"percent": raised, "threshold": bucketing.threshold(raised)}))
    assert second.why == first.why
    assert second.is_on >= first.is_on
    if first.why is not Why.SPLIT:
        assert second.is_on == first.is_on
    elif second.enters_at is not None:
        assert second.is_on == (raised >= second.enters_at)
