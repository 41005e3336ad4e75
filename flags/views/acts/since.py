"""What somebody else did to a flag since it was seen, in words and field by field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flags import change
from flags.errors import StaleError
from flags.models import Flag, FlagChange
from flags.views.acts import doors
from flags.views.acts.sheet import Difference, Since
from monitoring.formats import at

LABELS: Final = {
    "percent": "Share",
    "everyone": "For everyone",
    "rules": "Rules",
    "needs": "Needs",
    "starts_at": "Starts",
    "ends_at": "Ends",
    "owner": "Owner",
    "kind": "Kind",
    "expires_on": "Expires",
    "note": "Note",
    "unit": "Unit",
    "salt": "Salt",
    "is_locked": "Locked",
}
MOMENTS: Final = ("starts_at", "ends_at")
NOTHING: Final = "nothing"
SAME: Final = "as it is now"
OVERRIDE: Final = "override "  # before the unit
ALWAYS: Final = {None: "by its share", True: "always in", False: "always out"}
EVERYONE: Final = {None: "by its share", True: "on", False: "off"}


def told(stale: StaleError, flag: Flag, *, wanted: Mapping[str, Any], now: datetime) -> Since:
    """`flag` as it is now, and what the caller wanted of its fields."""
    rows = tuple(
        Difference(
            label(name),
            written(name, seen),
            written(name, current),
            written(name, wanted[name]) if name in wanted else SAME,
        )
        for name, (seen, current) in stale.diff.items()
    )
    latest = next(iter(change.history(flag.name, limit=1)), None)
    if latest is None or latest.version != flag.version:
        # written past the verbs, which leaves no reason
        return Since(f"{stale.actor or 'Somebody'} changed {flag.name} {doors.ago(stale.at, now)}.", rows)
    return Since(f"{latest.actor} {did(latest)} {doors.ago(latest.at, now)}: {latest.reason.rstrip('.')}.", rows)


def did(made: FlagChange) -> str:
    """What a change did: set 10 → 12 %, killed it, changed rules."""
    if made.action == FlagChange.Action.KILL:
        return "killed it"
    if {"percent"} <= made.after.keys() and "percent" in made.before:
        before, after = (written("percent", each["percent"]).removesuffix(" %") for each in (made.before, made.after))
        return f"set {before} → {after} %"
    names = [label(name).lower() for name in made.after]
    return f"changed {', '.join(names[:4])}" if names else made.get_action_display().lower()


def label(name: str) -> str:
    return LABELS.get(name, name.replace("_", " ").capitalize())


def written(name: str, value: Any) -> str:
    """A field's value as people read it."""
    if name == "everyone":
        return EVERYONE.get(value, str(value))
    if name.startswith(OVERRIDE):
        return ALWAYS.get(value, str(value))
    if value is None or value in ("", [], ()):
        return NOTHING
    if name == "percent":
        return _share(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in MOMENTS:
        return at(value if isinstance(value, datetime) else datetime.fromisoformat(value), "%-d %b %Y %H:%M")
    return rules(value) if name == "rules" else ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def rules(value: Any) -> str:
    """Rules as sentences: on where plan in pro, team."""
    if not isinstance(value, list):
        return str(value)
    said = []
    for rule in value:
        conditions = " and ".join(
            f"{one['attribute']} {one['operator'].replace('_', ' ')} {', '.join(map(str, one['values']))}"
            for one in rule["if"]
        )
        said.append(f"{'on' if rule['then'] else 'off'} where {conditions}")
    return "; ".join(said)


def _share(value: Any) -> str:
    try:
        return doors.percent(Decimal(str(value)))
    except InvalidOperation:
        return str(value)
