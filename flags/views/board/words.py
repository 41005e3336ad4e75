"""Shares, units and moments as the rollouts pages write them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from flags.models import Unit
from monitoring.formats import at

UNITS: Final = {
    Unit.USER: ("user", "users"),
    Unit.CONVERSATION: ("conversation", "conversations"),
    Unit.WORKSPACE: ("workspace", "workspaces"),
    Unit.SERVICE: ("service", "services"),
}


def share(percent: Decimal | float) -> str:
    """A percentage without its sign and without zeros that say nothing: 12.5, 0.001, 100."""
    text = f"{Decimal(str(percent)):.3f}"
    return text.rstrip("0").rstrip(".")


def units(count: int, unit: str) -> str:
    """1 user, 3,902 users."""
    one, many = UNITS[Unit(unit)]
    return f"{count:,} {one if count == 1 else many}"


def moment(of: datetime, now: datetime) -> str:
    """14:12 of today, otherwise with the day, in the zone that is chosen."""
    is_today = at(of, "%Y-%m-%d") == at(now, "%Y-%m-%d")
    return at(of, "%H:%M") if is_today else at(of, "%d %b %H:%M").lstrip("0")


def day(of: datetime, now: datetime) -> str:
    """Today 14:12, Yesterday 09:30, 19 Nov 17:54."""
    days = {at(now, "%Y-%m-%d"): "Today", at(now - timedelta(days=1), "%Y-%m-%d"): "Yesterday"}
    named = days.get(at(of, "%Y-%m-%d"))
    return f"{named} {at(of, '%H:%M')}" if named else moment(of, now)


def minutes(count: float) -> str:
    """34 min, 4 h, 2 h 10 min."""
    whole = max(0, int(count))
    if whole < 120:
        return f"{whole} min"
    hours, left = divmod(whole, 60)
    return f"{hours} h {left} min" if left and hours < 10 else f"{hours} h"


def first_sentence(text: str) -> str:
    """What stands before the first full stop that ends a sentence."""
    return text.partition(". ")[0].removesuffix(".")
