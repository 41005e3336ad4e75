"""A plan's stages as the page draws them, and what may be done to the plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import reverse

from flags.models import RolloutPlan
from flags.plan.standing import Soak, StageView, View
from flags.views.board import words

STATES: Final = RolloutPlan.State
# the class of the line, its tone and icon
LOOKS: Final = {
    Soak.PASSED: ("done", "ok", "check"),
    Soak.SOAKING: ("now", "info", "clock"),
    Soak.HELD: ("now", "hand", "pause"),
    Soak.BACK: ("now", "warn", "restore"),
    Soak.WAITING: ("next", "off", "lock"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One stage: `about` says when it was and how long, or how long it will be."""

    percent: str
    css: str
    tone: str
    icon: str
    word: str
    about: str


@dataclass(frozen=True, slots=True)
class Act:
    href: str
    words: str
    icon: str
    is_asked: bool = True


def steps(view: View, *, now: datetime) -> list[Step]:
    return [Step(words.share(each.percent), *LOOKS[each.state], each.state, _about(each, now)) for each in view.stages]


def soaked(view: View) -> float:
    """Percent of the current stage's dwell that has passed."""
    here = view.stages[view.number - 1] if view.number else None
    return min(100.0, 100 * here.soaked_min / here.dwell_min) if here and here.dwell_min else 0.0


def acts(name: str, view: View | None) -> list[Act]:
    """What may be done to the plan, most likely first; a flag without one gets one."""
    if view is None or not view.is_open:
        return [Act(reverse("rollout-plan", args=[name]), "Roll out in stages", "play", is_asked=False)]
    return [Act(reverse("rollout-act", args=[name, act]), said, icon) for act, said, icon in _open(view)]


def _open(view: View) -> list[tuple[str, str, str]]:
    if view.state == STATES.SCHEDULED:
        return [("hold", "Hold", "pause"), ("end", "End plan", "x")]
    following = view.stages[view.number] if view.number < len(view.stages) else None
    onward = f"Raise to {words.share(following.percent)} % now" if following else "Complete now"
    return [
        *([("resume", "Resume", "play")] if view.state == STATES.HELD else []),
        *([("hold", "Hold", "pause")] if view.state == STATES.RUNNING else []),
        ("advance", onward, "up-arrow"),
        ("roll-back", "Roll back", "restore"),
        ("end", "End plan", "x"),
    ]


def _about(stage: StageView, now: datetime) -> str:
    if stage.state is Soak.WAITING:
        return f"soaks {words.minutes(stage.dwell_min)}"
    if stage.state is Soak.PASSED:
        when = words.moment(stage.began_at, now) if stage.began_at else ""
        return ", ".join(filter(None, (when, f"soaked {words.minutes(stage.soaked_min)}")))
    return f"{stage.soaked_min:.0f} of {words.minutes(stage.dwell_min)}"
