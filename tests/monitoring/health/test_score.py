"""The score: its bounds, its order, its cap; and curves that go one way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.health.readiness import Curve, Level, Measured, Rule, assess
from monitoring.health.readiness.assess import RuleState
from monitoring.health.readiness.score import CAP, Grade, gain, score
from tests.make import NOW

goods = st.none() | st.floats(0, 1)
grades = st.lists(
    st.builds(
        Grade,
        weight=st.floats(0.1, 100),
        good=goods,
        level=st.sampled_from(Level),
        is_blocking=st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


def make_rule(name: str = "rule", value: float | None = 1.0, **fields: object) -> Rule:
    defaults = {
        "title": name,
        "component": "tests",
        "weight": 10,
        "curve": Curve.rising(0, 1),
        "measure": lambda now: Measured(value, now),
        "unit": "",
        "limit": "1",
        "advice": "mend it",
    }
    return Rule(name=name, **defaults | fields)  # type: ignore[arg-type]


@given(grades)
@settings(max_examples=200)
def test_a_score_is_of_0_to_100_and_the_same_in_any_order(given_grades: list[Grade]) -> None:
    found = score(given_grades)
    assert found.value is None or 0 <= found.value <= 100
    assert 0 <= found.confidence <= 100.0001
    assert score(given_grades[::-1]) == found


@given(grades, st.data())
@settings(max_examples=300)
def test_what_gets_better_never_lowers_the_score_nor_the_level(given_grades: list[Grade], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(given_grades) - 1))
    before = given_grades[place]
    if before.good is None:
        return
    better = replace(before, good=data.draw(st.floats(before.good, 1)))
    old, new = score(given_grades), score([*given_grades[:place], better, *given_grades[place + 1 :]])
    assert (new.value or 0) >= (old.value or 0) - 1e-9
    levels = [None, *Level]
    assert levels.index(new.level) >= levels.index(old.level)
    assert gain(given_grades, place) >= 0


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.lists(st.floats(-2e6, 2e6), min_size=2, max_size=20))
@settings(max_examples=100)
def test_a_curve_goes_one_way(good: float, width: float, values: list[float]) -> None:
    curve = Curve.falling(good, good + width)
    found = [curve.at(value) for value in sorted(values)]
    assert found == sorted(found, reverse=True)
    assert all(0 <= each <= 1 for each in found)
    assert curve.at(good) == 1


@pytest.mark.parametrize("points", [(), ((1, 1), (1, 0)), ((0, 0), (1, 1), (2, 0)), ((0, 2.0),)])
def test_a_curve_that_could_make_better_values_count_less_is_refused(points: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="a curve"):
        Curve(points)


def test_a_blocking_rule_that_failed_caps_what_the_others_reach() -> None:
    fine = [Grade(99, 1.0, Level.SILVER)]
    assert score([*fine, Grade(1, 0.0, Level.BRONZE, is_blocking=True)]).value == CAP
    assert score([*fine, Grade(1, 0.5, Level.BRONZE, is_blocking=True)]).value == 99.5
    assert gain([*fine, Grade(1, 0.0, Level.BRONZE, is_blocking=True)], 1) == 100 - CAP


def test_what_is_not_known_lowers_the_confidence_and_not_the_score() -> None:
    rules = [make_rule("known"), make_rule("unknown", None, weight=30)]
    found = assess(now=NOW, rules=rules)
    assert found.score.value == 100
    assert found.score.confidence == 25
    assert found.score.level is None, "a level asks for all of its rules"


def test_a_value_that_is_too_old_is_not_known_any_more() -> None:
    def measure(now: object) -> Measured:
        return Measured(1.0, NOW - timedelta(seconds=61))

    (judged,) = assess(now=NOW, rules=[make_rule(measure=measure, fresh_s=60)]).judged
    assert judged.state is RuleState.UNKNOWN


def test_a_measure_that_raises_is_unknown_and_the_others_go_on() -> None:
    def measure(now: object) -> Measured:
        raise RuntimeError("password=hunter2")

    found = assess(now=NOW, rules=[make_rule("bad", measure=measure), make_rule("good")])
    assert [each.state for each in found.judged] == [RuleState.UNKNOWN, RuleState.MET]
    assert "hunter2" not in found.judged[0].what_to_do


def test_the_first_things_to_do_are_those_that_bring_most() -> None:
    rules = [make_rule(f"rule-{n}", 0.5, weight=n) for n in (1, 5, 2, 9)]
    found = assess(now=NOW, rules=rules)
    assert [each.rule.name for each in found.top] == ["rule-9", "rule-5", "rule-2"]
    assert found.top[0].points == pytest.approx(50 * 9 / 17)
    assert found.top[0].what_to_do == "mend it"


def test_levels_build_on_each_other() -> None:
    of = {Level.BRONZE: 1.0, Level.SILVER: 1.0, Level.GOLD: 1.0}

    def level(**other: float) -> Level | None:
        return score([Grade(1, other.get(each.value, good), each) for each, good in of.items()]).level

    assert level() is Level.GOLD
    assert level(gold=0.9) is Level.SILVER
    assert level(bronze=0.9) is None
