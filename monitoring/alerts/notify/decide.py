"""When a channel is told of a group of alerts, and of what: a pure function of what it was told and what fires.

As Alertmanager does: wait a little for what belongs together, then at most one message per interval, and a reminder
while nothing changes. What resolves before it was told is never told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from monitoring.models import Notification, Severity

About = Notification.About

GROUP_WAIT: Final = timedelta(seconds=30)
GROUP_INTERVAL: Final = timedelta(minutes=5)
REPEAT_INTERVAL: Final = timedelta(hours=4)
MUTED: Final = "muted"  # said of an alert that was told, and was silenced since
FLAPPING: Final = "~"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a channel knows of a group: of each alert the severity that it was told."""

    told: Mapping[str, str] = field(default_factory=dict)
    told_at: datetime | None = None
    waiting_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tell:
    """A message that is due: about the alerts that fire, and those that resolved."""

    about: Notification.About
    firing: tuple[str, ...]
    resolved: tuple[str, ...]


def decide(
    standing: Standing,
    firing: Mapping[str, str],
    muted: Collection[str],
    reminded: Collection[str],
    now: datetime,
) -> tuple[Standing, Tell | None]:
    """What a channel knows from now on, and what to tell it.

    `firing` has what may be told, by id its severity (with ~ while it flaps); `muted` the ids that fire and may not;
    `reminded` those of `firing` that nobody has taken on.
    """
    told = {id: MUTED if id in muted else said for id, said in standing.told.items()}
    standing = replace(standing, told=told)
    resolved = tuple(sorted(id for id in told if id not in firing and id not in muted))
    if not told:
        return _first(standing, firing, now)
    assert standing.told_at is not None
    fresh = {id: said for id, said in firing.items() if told.get(id) != said}
    wait = GROUP_WAIT if _is_worse(fresh, told) else GROUP_INTERVAL
    if fresh or resolved:
        if now - standing.told_at < wait:
            return standing, None
        about = About.FIRING if fresh else About.RESOLVED
        return _told(standing, firing, now), Tell(about, tuple(sorted(firing)), resolved)
    if reminded and now - standing.told_at >= REPEAT_INTERVAL:
        return _told(standing, firing, now), Tell(About.REPEAT, tuple(sorted(firing)), ())
    return standing, None


def _first(standing: Standing, firing: Mapping[str, str], now: datetime) -> tuple[Standing, Tell | None]:
    """Nothing was told yet: what fires for a little while is."""
    if not firing:
        return replace(standing, waiting_since=None), None
    since = standing.waiting_since or now
    if now - since < GROUP_WAIT:
        return replace(standing, waiting_since=since), None
    return _told(standing, firing, now), Tell(About.FIRING, tuple(sorted(firing)), ())


def _told(standing: Standing, firing: Mapping[str, str], now: datetime) -> Standing:
    muted = {id: said for id, said in standing.told.items() if said == MUTED}
    return Standing({**muted, **firing}, now, None)


def _is_worse(fresh: Mapping[str, str], told: Mapping[str, str]) -> bool:
    """Whether something is worse than all that was told: that does not wait for the interval."""
    return max(map(_rank, fresh.values()), default=-1) > max(map(_rank, told.values()), default=-1)


def _rank(said: str) -> int:
    plain = said.removesuffix(FLAPPING)
    return Severity(plain).rank if plain in Severity.values else -1
