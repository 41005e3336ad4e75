"""The rules of readiness, which apps register: what is measured, from which value on it is good, and what to do."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final

MOST: Final = 200


class Level(StrEnum):
    """Each level asks for all of its rules and those of the levels before it."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


@dataclass(frozen=True, slots=True)
class Curve:
    """How good a value is, 0 to 1: straight lines between points (value, how good), flat beyond the first and last.

    It goes one way only, so that a better value never counts less.
    """

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not self.points or any(left[0] >= right[0] for left, right in pairwise(self.points)):
            raise ValueError(f"a curve's values ascend, got {self.points}")
        goods = [good for _, good in self.points]
        if any(not 0 <= good <= 1 for good in goods) or goods not in (sorted(goods), sorted(goods, reverse=True)):
            raise ValueError(f"a curve goes one way, from 0 to 1 or from 1 to 0, got {self.points}")

    @classmethod
    def falling(cls, good: float, bad: float) -> Curve:
        """All is well up to `good`, nothing from `bad` on: for times, ages, shares of failures."""
        return cls(((good, 1.0), (bad, 0.0)))

    @classmethod
    def rising(cls, bad: float, good: float) -> Curve:
        """Nothing up to `bad`, all is well from `good` on: for rates of hits, room that is left."""
        return cls(((bad, 0.0), (good, 1.0)))

    @property
    def is_rising(self) -> bool:
        """Whether more is better."""
        return self.points[0][1] < self.points[-1][1]

    def at(self, value: float) -> float:
        """How good a value is."""
        values = [point[0] for point in self.points]
        place = bisect_right(values, value)
        if place == 0:
            return self.points[0][1]
        if place == len(values):
            return self.points[-1][1]
        (low, start), (high, end) = self.points[place - 1], self.points[place]
        good = start + (end - start) * ((value - low) / (high - low))
        return min(max(good, min(start, end)), max(start, end))  # rounding must not pass the ends


@dataclass(frozen=True, slots=True)
class Measured:
    """A value as of `at`, or in `unknown` what to do so that there is one."""

    value: float | None
    at: datetime
    unknown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that readiness is made of.

    `weight` is its share of the score; a blocking rule that fails keeps the score under 60 whatever the others say.
    `limit` says in words from where on it is met; `advice` what to do where it is not. `link` is a URL name or path.
    A value older than `fresh_s` is not known any more.
    """

    name: str
    title: str
    component: str
    weight: float
    curve: Curve
    measure: Callable[[datetime], Measured]
    unit: str
    limit: str
    advice: str
    level: Level = Level.SILVER
    link: str = ""
    is_blocking: bool = False
    fresh_s: float = 300.0


_rules: dict[str, Rule] = {}


def register(rule: Rule) -> Rule:
    """Makes a rule part of readiness. Registering a name again replaces it. Raises ValueError for a weight of none."""
    if not 0 < rule.weight <= 100:
        raise ValueError(f"the weight of {rule.name} must be over 0 and at most 100, got {rule.weight:g}")
    if len(_rules) >= MOST and rule.name not in _rules:
        raise ValueError(f"readiness has {MOST} rules already")
    _rules[rule.name] = rule
    return rule


def registered() -> list[Rule]:
    """By component, in the order in which components came."""
    components = list(dict.fromkeys(rule.component for rule in _rules.values()))
    return sorted(_rules.values(), key=lambda rule: components.index(rule.component))
