"""Reads where all flags stand: as many queries for a thousand flags as for one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONObject

from flags import snapshot
from flags.models import Flag, FlagChange, RolloutPlan
from flags.snapshot import Snapshot
from flags.views.board.states import Standing

MOST: Final = 1000  # flags that are looked at
_OF_FLAG: Final = FlagChange.objects.filter(flag=OuterRef("pk")).order_by("-at")
# who changed it last, and what took it away from everyone
LATEST: Final = Subquery(
    _OF_FLAG.values(found=JSONObject(id="id", version="version", action="action", actor="actor"))[:1]
)
SWITCHED: Final = Subquery(_OF_FLAG.filter(after__has_key="everyone").values("action")[:1])


def gather(flags: Iterable[Flag] | None = None) -> list[Standing]:
    """Where these flags stand, or all of them."""
    if flags is None:
        flags = Flag.objects.annotate(latest=LATEST, switched=SWITCHED).order_by("name")[:MOST]
    found = list(flags)
    newest = RolloutPlan.objects.filter(flag__in=found).order_by("flag_id", "-created_at").distinct("flag_id")
    plans = {plan.flag_id: plan for plan in newest.prefetch_related("stages")}
    known = snapshot.current()
    return [standing(flag, plans.get(flag.pk), known) for flag in found]


def one(name: str) -> Standing | None:
    """Where this flag stands; None where there is none."""
    flags = Flag.objects.annotate(latest=LATEST, switched=SWITCHED).filter(name=name)
    return next(iter(gather(flags)), None)


def standing(flag: Flag, plan: RolloutPlan | None, known: Snapshot) -> Standing:
    """A pin holds whatever the row says, so the share is then what is evaluated."""
    evaluated = known.flags.get(flag.name)
    share, is_pinned = flag.share, evaluated is not None and evaluated.is_pinned
    if is_pinned and evaluated is not None:
        share = evaluated.percent if evaluated.everyone is None else type(share)(100 if evaluated.everyone else 0)
    is_killed = flag.everyone is False and getattr(flag, "switched", None) == FlagChange.Action.KILL
    return Standing(flag, share, plan, is_killed=is_killed, is_pinned=is_pinned)


def latest(flag: Flag) -> dict[str, Any] | None:
    """The change that made this version of the flag, where it was gathered with it."""
    found: dict[str, Any] | None = getattr(flag, "latest", None)
    return found if found and found["version"] == flag.version else None
