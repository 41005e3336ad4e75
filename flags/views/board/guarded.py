"""What a flag's guard says, in a word and a half line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from flags.models import Flag, RolloutPlan
from flags.views.board.states import STATES, Mark, Standing
from flags.views.board.words import first_sentence, minutes, moment, share

LONGEST: Final = 60  # characters of the half line
NAMES: Final = {"slow": "slow requests"}  # what a metric is called, where it isn't by its name
PAUSED: Final = Mark("Paused", "hand", "pause")
WITHIN: Final = Mark("Within limits", "ok", "shield")
UNWATCHED: Final = Mark("Not watching", "off", "off")
LOCKED: Final = Mark("Locked", "off", "lock")


def said(standing: Standing, *, is_paused: bool, now: datetime) -> tuple[Mark, str]:
    """The word, and what is to be said of it."""
    plan = standing.plan
    if plan and standing.has_rolled_back:
        when = moment(plan.ended_at, now) if plan.ended_at else ""
        return Mark(f"Rolled back {when}".strip(), "warn", "shield-warn"), harm(plan) or short(plan.said)
    if plan and standing.is_open:
        return (PAUSED, "acts on nothing") if is_paused else _of_plan(plan, now)
    if standing.flag.is_locked:
        return LOCKED, f"{standing.flag.get_kind_display().lower()} flag, admin only"
    return UNWATCHED, without_control(standing) or "no plan runs"


def without_control(standing: Standing) -> str:
    """Why there is nothing to compare; "" where there is."""
    if standing.share in {0, 100}:
        return "no control cohort" if standing.share else "nobody is exposed"
    return ""


def _of_plan(plan: RolloutPlan, now: datetime) -> tuple[Mark, str]:
    if plan.state == STATES.ASKING:
        return Mark("Asks you", "warn", "shield-warn"), short(plan.said)
    if plan.state == STATES.HELD:
        by_hand = plan.is_held_by_hand
        word = Mark("Held by hand" if by_hand else "Holds", "hand" if by_hand else "warn", "pause")
        return word, short(", ".join(plan.causes) or plan.said)
    if plan.state == STATES.SCHEDULED:
        return Mark("Waits", "off", "clock"), f"starts {moment(plan.starts_at, now)}"
    return WITHIN if plan.looks else Mark("Watching", "info", "shield"), soaked(plan)


def harm(plan: RolloutPlan) -> str:
    """errors +93 % at 50 %: the worst of what was proved, and the share at which it was."""
    seen: Mapping[str, Any] = plan.evidence or {}
    needed = seen.get("thresholds", {}).get("harm")
    metrics = seen.get("metrics", {}).items()
    proved = [(each["e_harm"], name, each["ratio"]) for name, each in metrics if needed and each["e_harm"] >= needed]
    if not proved:
        return ""
    _, name, ratio = max(proved, key=lambda each: each[0])
    if ratio is None:
        return ""
    stage = next((each for each in plan.stages.all() if each.number == plan.stage), None)
    at = f" at {share(stage.percent)} %" if stage else ""
    return f"{NAMES.get(name, name)} {(ratio - 1) * 100:+.0f} %{at}"


def soaked(plan: RolloutPlan) -> str:
    """34 of 60 min soaked."""
    stage = next((each for each in plan.stages.all() if each.number == plan.stage), None)
    if stage is None:
        return ""
    return f"{min(stage.soaked_min, stage.dwell_min):.0f} of {minutes(stage.dwell_min)} soaked"


def short(text: str) -> str:
    line = first_sentence(text)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rstrip()}…"


def refused(flag: Flag, *, is_pinned: bool, is_frozen: bool, may_change: bool, may_approve: bool) -> str:
    """Why this person can't change this flag now; "" where they can."""
    if not may_change:
        return "Only operators may change flags"
    if flag.is_locked and not may_approve:
        return "Locked: only admins may change it"
    if is_pinned:
        return "Pinned by the environment: change its FLAG_FORCE setting"
    return "Changes are frozen: a flag can only be killed" if is_frozen else ""
