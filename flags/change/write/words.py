"""A change in words: what charts and histories show of it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from flags.change.asked.values import plain
from flags.models import FlagChange

Action: Final = FlagChange.Action
HELD_PLAN: Final = "its rollout plan is held"
OVERRIDE: Final = "override "  # before the unit, as a field of a change
FIXED: Final = {
    Action.DELETE: "deleted",
    Action.OUTSIDE: "changed outside",
}


def told(
    name: str,
    action: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    shares: tuple[Decimal, Decimal] | None = None,
) -> str:
    """ "enhanced_prompts 10 → 25 %". Units are not named: a chart is seen by more people than the history."""
    if action in FIXED:
        return f"{name} {FIXED[Action(action)]}"
    if action == Action.OVERRIDE:
        return f"{name}: {_override(after)}"
    if shares is None:
        return f"{name} {Action(action).label.lower()}"
    was, became = (plain(each) for each in shares)
    if action == Action.CREATE:
        return f"{name} created at {became} %"
    if action == Action.KILL:
        return f"{name} killed at {was} %"
    if was == became:
        fields = ", ".join(field.replace("_", " ") for field in after if not field.startswith(OVERRIDE))
        return f"{name}: {fields or 'override'} {'undone' if action == Action.UNDO else 'changed'}"
    undone = " (undone)" if action == Action.UNDO else ""
    back = " (rolled back)" if action == Action.ROLL_BACK else ""
    return f"{name} {was} → {became} %{undone}{back}"


def _override(after: Mapping[str, Any]) -> str:
    said = {True: "a unit is always in", False: "a unit is never in", None: "a unit's override is gone"}
    return said[next(iter(after.values()))]
