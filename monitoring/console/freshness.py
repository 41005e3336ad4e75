"""How fresh pages are: they refresh every few seconds, and change when the snapshot does."""

from __future__ import annotations

from datetime import datetime

from monitoring import formats
from monitoring.metrics import snapshot

REFRESH_S = 5
STALE_S = 10


def stamp(range_name: str, *, now: datetime) -> str:
    """Changes when the page does: with a new snapshot, the age of one that stays, and the zone of its times."""
    taken = snapshot.latest()
    moment = now.timestamp()
    if taken and (old := taken.age_s(moment)) <= STALE_S:
        moment -= old
    return f"{range_name}-{formats.zone()}-{int(moment // REFRESH_S)}"
