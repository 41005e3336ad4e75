"""Where a flag stands, in one word: the same one on the rollouts page, on the overview and in the palette."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from flags.models import Flag, RolloutPlan

STATES: Final = RolloutPlan.State


@dataclass(frozen=True, slots=True)
class Mark:
    """A state: its word, tone and icon."""

    word: str
    tone: str
    icon: str


ASKING: Final = Mark("Needs a decision", "warn", "warn")
ROLLED_BACK: Final = Mark("Rolled back", "warn", "restore")
HELD: Final = Mark("Held", "hand", "pause")
KILLED: Final = Mark("Killed", "off", "power")
EXPIRED: Final = Mark("Expired", "warn", "clock")
SOAKING: Final = Mark("Soaking", "info", "clock")
SCHEDULED: Final = Mark("Scheduled", "info", "clock")
PARTLY: Final = Mark("Partly on", "info", "half")
COMPLETE: Final = Mark("Complete", "ok", "check")
PINNED: Final = Mark("Pinned by environment", "hand", "lock")
OFF: Final = Mark("Off", "off", "off")
# what needs somebody first
NEED: Final = (ASKING, ROLLED_BACK, HELD, EXPIRED, SOAKING, SCHEDULED, PARTLY, PINNED, COMPLETE, KILLED, OFF)
OF_PLANS: Final = {
    STATES.ASKING: ASKING,
    STATES.HELD: HELD,
    STATES.ROLLED_BACK: ROLLED_BACK,
    STATES.RUNNING: SOAKING,
    STATES.SCHEDULED: SCHEDULED,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A flag with its latest plan, and what else says where it stands. `share` is what holds now."""

    flag: Flag
    share: Decimal
    plan: RolloutPlan | None = None
    is_killed: bool = False
    is_pinned: bool = False

    @property
    def has_rolled_back(self) -> bool:
        """Whether its plan was rolled back, and nobody has touched the flag since."""
        plan = self.plan
        return bool(plan and plan.state == STATES.ROLLED_BACK and plan.flag_version == self.flag.version)

    @property
    def is_open(self) -> bool:
        return bool(self.plan and self.plan.state in RolloutPlan.OPEN)


def mark(standing: Standing, *, now: datetime) -> Mark:
    """The one word. What holds against everything else comes first, then what its plan says, then its share."""
    flag = standing.flag
    if standing.is_pinned:
        return PINNED
    if standing.is_killed:
        return KILLED
    if standing.plan and (standing.is_open or standing.has_rolled_back):
        return OF_PLANS[STATES(standing.plan.state)]
    if flag.expires_on and flag.expires_on < now.date():
        return EXPIRED
    if standing.share and flag.starts_at and flag.starts_at > now:
        return SCHEDULED
    if not standing.share or (flag.ends_at and flag.ends_at <= now):
        return OFF
    return COMPLETE if standing.share >= 100 else PARTLY


def need(found: Mark, name: str) -> tuple[int, str]:
    """Sorts what needs somebody first."""
    return NEED.index(found), name
