"""What a run of a drill found, as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from monitoring.formats import duration, number
from monitoring.models import DrillResult


@dataclass(frozen=True, slots=True)
class StepLine:
    name: str
    passed: bool
    took: str
    detail: str

    @property
    def icon(self) -> str:
        return "check" if self.passed else "crit"

    @property
    def tone(self) -> str:
        return "ok" if self.passed else "crit"


@dataclass(frozen=True, slots=True)
class FigureLine:
    """`share` is how far the value is along to its target, in percent, for the bar."""

    name: str
    value: str
    target: str
    passed: bool
    share: float

    @property
    def tone(self) -> str:
        return "ok" if self.passed else "warn"


@dataclass(frozen=True, slots=True)
class Report:
    row: DrillResult
    took: str
    steps: list[StepLine]
    figures: list[FigureLine]


def report(row: DrillResult) -> Report:
    return Report(
        row=row,
        took=duration(row.took_ms / 1000),
        steps=[
            StepLine(step["name"], step["passed"], duration(step["took_ms"] / 1000), step["detail"])
            for step in row.steps
        ],
        figures=[_figure(figure) for figure in row.figures],
    )


def _figure(figure: dict[str, Any]) -> FigureLine:
    value, target, unit = figure["value"], figure["target"], figure["unit"]
    than = "at most" if figure["at_most"] else "at least"
    share = 100 * value / target if target else 100.0
    return FigureLine(
        name=figure["name"],
        value=f"{number(value)} {unit}".strip(),
        target=f"{than} {number(target)} {unit}".strip(),
        passed=figure["passed"],
        share=max(0.0, min(100.0, share)),
    )
