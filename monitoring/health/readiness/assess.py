"""Asks every rule for its value and makes the assessment of them: score, level, confidence, and what to do first."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from time import perf_counter
from typing import Final

from monitoring.health.readiness.rules import Measured, Rule, registered
from monitoring.health.readiness.score import Grade, Score, gain, score

TOP: Final = 3
RECENT_S: Final = 5.0

logger = logging.getLogger(__name__)


class RuleState(StrEnum):
    MET = "met"
    PARTLY = "partly"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule with its value. `points` is what it would bring to make it wholly good."""

    rule: Rule
    measured: Measured
    good: float | None
    state: RuleState
    points: float = 0.0

    @property
    def what_to_do(self) -> str:
        """Empty where nothing is."""
        if self.state is RuleState.UNKNOWN:
            return self.measured.unknown or self.rule.advice
        return "" if self.state is RuleState.MET else self.rule.advice


@dataclass(frozen=True, slots=True)
class Assessment:
    """Readiness at a moment."""

    at: datetime
    score: Score
    judged: Sequence[Judged]
    took_ms: float = field(compare=False, default=0.0)

    @property
    def top(self) -> list[Judged]:
        """What brings the most points, at most three; then what is not known, which brings confidence."""
        wanting = [each for each in self.judged if each.points > 0.05]
        return sorted(wanting, key=lambda each: -each.points)[:TOP]

    @property
    def counted(self) -> dict[RuleState, int]:
        """How many rules are in each state."""
        return {state: sum(each.state is state for each in self.judged) for state in RuleState}


def assess(*, now: datetime, rules: Sequence[Rule] | None = None) -> Assessment:
    """Judges all registered rules, or these. One that can't be measured is unknown, and the others go on."""
    began = perf_counter()
    chosen = registered() if rules is None else rules
    judged = [_judged(rule, _measured(rule, now), now) for rule in chosen]
    grades = [Grade(each.rule.weight, each.good, each.rule.level, each.rule.is_blocking) for each in judged]
    found = score(grades)
    with_points = [
        Judged(each.rule, each.measured, each.good, each.state, gain(grades, place) if each.good is not None else 0.0)
        for place, each in enumerate(judged)
    ]
    return Assessment(now, found, with_points, (perf_counter() - began) * 1000)


class _Kept:
    """The last assessment of this process: viewers of the page share it."""

    last: Assessment | None = None
    lock = threading.Lock()


def recent(*, now: datetime, within_s: float = RECENT_S) -> Assessment:
    """An assessment of this process that is a few seconds old at most; made now where there is none."""
    with _Kept.lock:
        last = _Kept.last
        if last is None or not 0 <= (now - last.at).total_seconds() < within_s:
            last = _Kept.last = assess(now=now)
    return last


def forget() -> None:
    """Has the next one be made anew."""
    _Kept.last = None


def _measured(rule: Rule, now: datetime) -> Measured:
    try:
        return rule.measure(now)
    except Exception as problem:  # noqa: BLE001 - the edge of any app's measure: what can't be measured is unknown
        logger.warning("event=readiness_unknown rule=%s error=%s", rule.name, type(problem).__name__)
        return Measured(None, now, f"It could not be measured ({type(problem).__name__}): see the log.")


def _judged(rule: Rule, measured: Measured, now: datetime) -> Judged:
    value = measured.value
    if value is None or value != value:  # NaN is no value either
        return Judged(rule, measured, None, RuleState.UNKNOWN)
    age_s = (now - measured.at).total_seconds()
    if age_s > rule.fresh_s:
        words = measured.unknown or "The last value is too old to count."
        return Judged(rule, Measured(None, measured.at, words), None, RuleState.UNKNOWN)
    good = rule.curve.at(value)
    grade = Grade(rule.weight, good, rule.level)
    state = RuleState.MET if grade.is_met else RuleState.FAILED if grade.has_failed else RuleState.PARTLY
    return Judged(rule, measured, good, state)


def _after_fork_in_child() -> None:
    """Somebody may have held the parent's lock."""
    _Kept.lock, _Kept.last = threading.Lock(), None


os.register_at_fork(after_in_child=_after_fork_in_child)
