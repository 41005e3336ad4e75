"""A flag's history as people read it, and since when a unit has been in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.urls import reverse

from flags import change
from flags.models import Flag, FlagChange
from flags.views.board import words

SHOWN: Final = 8
LOOKED: Final = 50  # changes that are looked through for when a unit came in
WORDS: Final = {
    "starts_at": "starts",
    "ends_at": "ends",
    "expires_on": "expiry",
    "is_locked": "lock",
    "salt": "reshuffled",
}
MACHINES: Final = {change.GUARD.name: "shield-warn", change.PLAN.name: "clock", change.SEED.name: "flag"}


@dataclass(frozen=True, slots=True)
class Step:
    """One change. `icon` is there where no person made it; `back` takes it back, where it is the last."""

    at: datetime
    when: str
    who: str
    icon: str
    is_guard: bool
    what: str
    why: str
    back: str
    verb: str


def trail(flag: Flag, *, may_change: bool, now: datetime) -> list[Step]:
    return [_step(each, flag, may_change, now) for each in change.history(flag.name, SHOWN)]


def _step(made: FlagChange, flag: Flag, may_change: bool, now: datetime) -> Step:
    is_last = made.version == flag.version and made.action not in {FlagChange.Action.CREATE, FlagChange.Action.DELETE}
    was_lowered = made.action in {FlagChange.Action.KILL, FlagChange.Action.LOWER, FlagChange.Action.ROLL_BACK}
    return Step(
        at=made.at,
        when=words.day(made.at, now),
        who=made.actor,
        icon=MACHINES.get(made.actor, ""),
        is_guard=made.actor == change.GUARD.name,
        what=told(made),
        why=made.reason,
        back=reverse("rollout-undo", args=[made.pk]) if is_last and may_change else "",
        verb="Restore" if was_lowered else "Undo",
    )


def told(made: FlagChange) -> str:
    """10 to 25 %, or which fields were changed."""
    before, after = share_of(made.before), share_of(made.after)
    if made.action == FlagChange.Action.KILL:
        return f"{before} % to off" if before not in {"", "0"} else "killed"
    if after and before and before != after:
        return f"{before} to {after} %"
    if made.action == FlagChange.Action.CREATE:
        return f"created at {after} %" if after else "created"
    if made.action == FlagChange.Action.OVERRIDE:
        return _override(made)
    fields = sorted({*made.before, *made.after} - {"version"})
    named = ", ".join(WORDS.get(each, each) for each in fields)
    return named or made.get_action_display().lower()


def share_of(state: Mapping[str, Any]) -> str:
    """The share that a half of a change tells of; "" where it tells of none."""
    if state.get("everyone") is not None:
        return "100" if state["everyone"] else "0"
    percent = as_percent(state.get("percent"))
    return words.share(percent) if percent is not None else ""


def as_percent(value: Any) -> Decimal | None:
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None


def _override(made: FlagChange) -> str:
    state = made.after or made.before
    return ", ".join(f"{key} {value}" for key, value in state.items())[:120] or "override"


def in_since(flag: Flag, enters_at: Decimal, history: Iterable[FlagChange]) -> datetime | None:
    """When the unit that enters at this share came in for good; None where that is longer ago than is known.

    `history` has the latest change first. Rules and overrides are not looked at: they decide before the share does.
    """
    state: dict[str, Any] = {"everyone": flag.everyone, "percent": flag.percent}
    for made in history:
        before = state | {key: value for key, value in made.before.items() if key in state}
        if not _is_in(before, enters_at):
            return made.at
        state = before
    return None


def _is_in(state: Mapping[str, Any], enters_at: Decimal) -> bool:
    if state["everyone"] is not None:
        return bool(state["everyone"])
    percent = as_percent(state["percent"])
    return percent is not None and percent >= enters_at


def looked(name: str) -> Sequence[FlagChange]:
    return change.history(name, LOOKED)
