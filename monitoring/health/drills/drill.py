"""One run of a drill while it goes on: its steps, the figures that it measures against targets, and its deadline."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final

LOOK_S: Final = 0.02
STEPS: Final = 50
FIGURES: Final = 50

logger = logging.getLogger(__name__)


class FailedError(Exception):
    """A step did not go as it should; says what was seen and what to do."""


@dataclass(slots=True)
class Step:
    name: str
    passed: bool = False
    took_ms: float = 0.0
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "passed": self.passed, "took_ms": round(self.took_ms, 2), "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure against its target: at most that, or where `at_most` is false at least that."""

    name: str
    value: float
    unit: str
    target: float
    at_most: bool = True

    @property
    def passed(self) -> bool:
        return self.value <= self.target if self.at_most else self.value >= self.target

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "value": float(f"{self.value:.4g}"),
            "unit": self.unit,
            "target": self.target,
            "at_most": self.at_most,
            "passed": self.passed,
        }


@dataclass(slots=True)
class Drill:
    """What a drill is given: its `scope`, which names all that it makes for itself, and where it writes what it saw."""

    scope: str
    limit_s: float
    spoken: tuple[type[Exception], ...] = ()
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    steps: list[Step] = field(default_factory=list)
    figures: list[Measure] = field(default_factory=list)
    began: float = 0.0

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def left_s(self) -> float:
        """How much of its time is left."""
        return self.limit_s - (self.clock() - self.began)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """One step, timed. What goes wrong in it fails it and ends the drill: raises FailedError then."""
        if self.left_s <= 0:
            raise FailedError(f"There was no time left for “{name}”: the drill may take {self.limit_s:g} s.")
        if len(self.steps) >= STEPS:
            raise FailedError(f"A drill has at most {STEPS} steps.")
        step = Step(name)
        self.steps.append(step)
        began = perf_counter()
        try:
            yield step
            step.passed = True
        except FailedError as problem:
            step.detail = str(problem)
            raise
        except self.spoken as problem:
            step.detail = str(problem)
            raise FailedError(str(problem)) from problem
        except Exception as problem:  # the kind alone is shown: words of an error may be anybody's
            step.detail = f"{type(problem).__name__}: the log says more."
            logger.exception("event=drill_step_failed step=%r", name)
            raise FailedError(f"“{name}” ended with {type(problem).__name__}.") from problem
        finally:
            step.took_ms = (perf_counter() - began) * 1000

    def figure(self, name: str, value: float, unit: str, target: float, *, at_most: bool = True) -> bool:
        """Write a figure down; whether it meets its target."""
        if len(self.figures) >= FIGURES:
            raise FailedError(f"A drill has at most {FIGURES} figures.")
        measure = Measure(name, value, unit, target, at_most)
        self.figures.append(measure)
        return measure.passed

    def wait(self, until: Callable[[], bool], *, at_most_s: float, otherwise: str) -> float:
        """Wait until something is so; how many seconds that took. Raises FailedError(otherwise) when it never is."""
        began = self.clock()
        end = min(began + at_most_s, self.began + self.limit_s)
        while not until():
            if self.clock() >= end:
                raise FailedError(otherwise)
            self.sleep(LOOK_S)
        return self.clock() - began


def require(is_so: bool, otherwise: str) -> None:
    """Raise FailedError unless it is so."""
    if not is_so:
        raise FailedError(otherwise)
