"""The score: what is known, weighed; a blocking rule that fails caps it; what is unknown lowers the confidence instead.

score = 100 · Σ w·s / Σ w over known rules, s from 0 to 1. The shape is that of OpenSSF Scorecard (weighed by risk, what
is inconclusive left out of the mean), with a cap so that averages cannot hide a red one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Final

from monitoring.health.readiness.rules import Level

CAP: Final = 59.0
MET: Final = 0.999  # rounding aside, all of it
FAILING: Final = 0.5  # a rule that is less than half good has failed


@dataclass(frozen=True, slots=True)
class Grade:
    """One rule's part in the score. `good` is None where its value is not known."""

    weight: float
    good: float | None
    level: Level
    is_blocking: bool = False

    @property
    def is_met(self) -> bool:
        return self.good is not None and self.good >= MET

    @property
    def has_failed(self) -> bool:
        return self.good is not None and self.good < FAILING


@dataclass(frozen=True, slots=True)
class Score:
    """`value` is 0 to 100, None where nothing is known; `confidence` the known share of all weight, in percent."""

    value: float | None
    confidence: float
    level: Level | None
    is_capped: bool


def score(grades: Sequence[Grade]) -> Score:
    """The score of these grades; the same whatever their order."""
    known = [(grade.weight, grade.good) for grade in grades if grade.good is not None]
    weight = fsum(each for each, _ in known)
    of_all = fsum(grade.weight for grade in grades)
    value = 100 * fsum(each * good for each, good in known) / weight if weight else None
    is_capped = any(grade.is_blocking and grade.has_failed for grade in grades) and (value or 0) > CAP
    if value is not None:
        value = min(value, CAP if is_capped else 100.0)
    return Score(value, 100 * weight / of_all if of_all else 0.0, level(grades), is_capped)


def level(grades: Sequence[Grade]) -> Level | None:
    """The highest level of which all rules are met, and those of the levels below; one without rules adds nothing."""
    reached = None
    for each in Level:
        of_level = [grade for grade in grades if grade.level is each]
        if not all(grade.is_met for grade in of_level):
            break
        reached = each if of_level else reached
    return reached


def gain(grades: Sequence[Grade], place: int) -> float:
    """How many points it brings to make the rule at that place wholly good; 0 where nothing was known before."""
    now = score(grades).value
    grade = grades[place]
    better = Grade(grade.weight, 1.0, grade.level, grade.is_blocking)
    then = score([*grades[:place], better, *grades[place + 1 :]]).value
    return max(0.0, (then or 0.0) - now) if now is not None else 0.0
