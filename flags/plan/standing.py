"""Where a plan stands, for people: its stages, what is next, and what the last look rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from flags.guard.statistics.units import Metric
from flags.guard.words import NAMES
from flags.models import RolloutPlan, Stage
from flags.plan.steps import stages_of
from flags.plan.terms import written
from monitoring.formats import at, clock

State = RolloutPlan.State


class Soak(StrEnum):
    """How far a stage is."""

    PASSED = "passed"
    SOAKING = "soaking"
    HELD = "held"
    BACK = "rolled back"
    WAITING = "waiting"


class Judgement(StrEnum):
    """What a metric's evidence amounts to."""

    HARM = "harm"
    WARNING = "warning"
    SAFE = "safe"
    UNPROVED = "not proved yet"
    TOO_LITTLE = "too little to say"


@dataclass(frozen=True, slots=True)
class StageView:
    number: int  # from 1
    percent: Decimal
    dwell_min: float
    soaked_min: float
    state: Soak
    is_certified: bool
    began_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the forest plot: exposed over control, 1.1 is 10 % worse."""

    metric: str
    title: str
    ratio: float | None
    low: float | None
    high: float | None
    margin: float
    floor: float
    e_harm: float
    e_safe: float
    state: Judgement


@dataclass(frozen=True, slots=True)
class Arm:
    """One cohort in the current stage."""

    units: int
    requests: int


@dataclass(frozen=True, slots=True)
class View:
    """A plan at a moment. Texts are sentences for people; `next_step` is empty once the plan is over."""

    state: RolloutPlan.State
    is_open: bool
    stages: tuple[StageView, ...]
    number: int  # of the current stage, 0 before the first
    soaked: str  # 34 of 60 min soaked
    next_step: str  # next: 50 % at 14:58 if the guard still holds
    causes: tuple[str, ...]
    accepted: tuple[str, ...]
    said: str
    rows: tuple[Row, ...]
    exposed: Arm
    control: Arm
    looks: int
    looked_at: datetime | None
    sample_ratio_e: float | None
    actor: str
    reason: str

    @property
    def percent(self) -> Decimal:
        """The share of the current stage."""
        return self.stages[self.number - 1].percent if self.number else Decimal(0)


def standing(plan: RolloutPlan, *, now: datetime) -> View:
    """From what the last look left: asks for the stages only."""
    stages = stages_of(plan)
    evidence: Mapping[str, Any] = plan.evidence or {}
    here = stages[plan.stage - 1] if plan.stage else None
    arms = evidence.get("arms", {})
    return View(
        state=State(plan.state),
        is_open=plan.state in RolloutPlan.OPEN,
        stages=tuple(_stage(plan, stage) for stage in stages),
        number=plan.stage,
        soaked="" if here is None else f"{here.soaked_min:.0f} of {here.dwell_min:g} min soaked",
        next_step=_next_step(plan, stages, now),
        causes=tuple(plan.causes),
        accepted=tuple(plan.accepted),
        said=plan.said,
        rows=tuple(_rows(evidence)),
        exposed=_arm(arms.get("exposed", {})),
        control=_arm(arms.get("control", {})),
        looks=plan.looks,
        looked_at=plan.looked_at,
        sample_ratio_e=evidence.get("sample_ratio", {}).get("e"),
        actor=plan.actor,
        reason=plan.reason,
    )


def _stage(plan: RolloutPlan, stage: Stage) -> StageView:
    shown = (stage.number, stage.percent, stage.dwell_min, round(stage.soaked_min, 1), _soak(plan, stage))
    return StageView(*shown, stage.is_certified, stage.began_at, stage.ended_at)


def _soak(plan: RolloutPlan, stage: Stage) -> Soak:
    if stage.number != plan.stage:
        return Soak.PASSED if stage.number < plan.stage else Soak.WAITING
    ended: dict[State, Soak] = {
        State.DONE: Soak.PASSED,
        State.ROLLED_BACK: Soak.BACK,
        State.HELD: Soak.HELD,
        State.ASKING: Soak.HELD,
        State.ENDED: Soak.HELD,
    }
    return ended.get(State(plan.state), Soak.SOAKING)


def _next_step(plan: RolloutPlan, stages: list[Stage], now: datetime) -> str:
    """One sentence's part."""
    if plan.state == State.SCHEDULED:
        begins = f"{clock(plan.starts_at)}, {at(plan.starts_at, '%d %b')}"
        return f"begins with {written(stages[0].percent)} % at {begins}"
    if plan.state == State.HELD:
        return f"held: {', '.join(plan.causes)}"
    if plan.state == State.ASKING:
        return "needs a decision: advance, roll back, or end"
    if plan.state != State.RUNNING:
        return ""
    here = stages[plan.stage - 1]
    left = timedelta(minutes=max(0.0, here.dwell_min - here.soaked_min))
    goal = "complete" if plan.stage == len(stages) else f"{written(stages[plan.stage].percent)} %"
    if not left:
        return f"next: {goal} once the guard has its proof"
    return f"next: {goal} at {clock((plan.looked_at or now) + left)} if the guard still holds"


def _rows(evidence: Mapping[str, Any]) -> list[Row]:
    needed: Mapping[str, float] = evidence.get("thresholds", {})
    metrics: Mapping[str, Mapping[str, Any]] = evidence.get("metrics", {})
    return [
        Row(
            metric=metric.value,
            title=NAMES[metric],
            **{name: each[name] for name in ("ratio", "low", "high", "margin", "floor", "e_harm", "e_safe")},
            state=_judged(each, needed),
        )
        for metric in Metric
        if (each := metrics.get(metric.value))
    ]


def _judged(each: Mapping[str, Any], needed: Mapping[str, float]) -> Judgement:
    if each["ratio"] is None:
        return Judgement.TOO_LITTLE
    if each["e_harm"] >= needed["harm"] and each["ratio"] >= each["floor"]:
        return Judgement.HARM
    if each["e_harm"] >= needed["warning"]:
        return Judgement.WARNING
    return Judgement.SAFE if each["e_safe"] >= needed["safe"] else Judgement.UNPROVED


def _arm(written_arm: Mapping[str, int]) -> Arm:
    return Arm(written_arm.get("units", 0), written_arm.get("requests", 0))
