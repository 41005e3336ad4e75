"""Units that always or never get a flag, whatever its share."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from flags.change.asked import edit as asked
from flags.change.asked.values import Fault, yes_or_no
from flags.change.persons import Person
from flags.change.write import record
from flags.change.write.hold import Held, check_frozen, check_locked, hold
from flags.change.write.words import OVERRIDE
from flags.errors import ConflictError, InvalidError, StaleError
from flags.models import FlagChange, Override

Action: Final = FlagChange.Action


def override(name: str, unit: str, is_on: bool | None, *, by: Person, reason: str, now: datetime) -> FlagChange:
    """`unit` always in (True), never in (False), or as its bucket says (None).

    It leaves the flag's version as it is, so that cohorts and plans go on. Raises UnknownFlagError, InvalidError,
    NotAllowedError, ConflictError: frozen, so already, or a thousand of them.
    """
    why, unit = asked.reason(reason), asked.unit(unit)
    by.require_change()
    if is_on is not None:
        try:
            yes_or_no(is_on)
        except Fault as fault:
            raise InvalidError(("is_on", str(fault))) from None
    with hold(name, now) as held:
        check_frozen(held.flagset)
        check_locked(held.flag, by)
        return overridden(held, unit, is_on, action=Action.OVERRIDE, by=by, reason=why, now=now)


def overridden(
    held: Held, unit: str, is_on: bool | None, *, action: str, by: Person, reason: str, now: datetime
) -> FlagChange:
    flag = held.flag
    found = Override.objects.filter(flag=flag, unit=unit).first()
    was = None if found is None else found.is_on
    if was == is_on:
        raise ConflictError(f"{flag.name} has it so already for this unit: nothing was changed.")
    if is_on is None:
        Override.objects.filter(flag=flag, unit=unit).delete()
    else:
        if found is None and Override.objects.filter(flag=flag).count() >= Override.LIMIT:
            raise ConflictError(f"{flag.name} has {Override.LIMIT} overrides, which is the most: use a rule instead.")
        kept = {"is_on": is_on, "actor": by.name[:150], "reason": reason, "at": now}
        Override.objects.update_or_create(flag=flag, unit=unit, defaults=kept)
    field = OVERRIDE + unit
    return record.note(flag, action=action, before={field: was}, after={field: is_on}, by=by, reason=reason, now=now)


def undone(held: Held, done: FlagChange, *, by: Person, reason: str, now: datetime) -> FlagChange:
    """Give the unit of that change what it had before. Raises StaleError when it was set again since."""
    ((field, became),) = done.after.items()
    unit = field.removeprefix(OVERRIDE)
    found = Override.objects.filter(flag=held.flag, unit=unit).first()
    current = None if found is None else found.is_on
    if current != became:
        actor, at = (found.actor, found.at) if found else ("somebody", None)
        raise StaleError(
            f"{done.name}'s override of this unit was set again since. Set it anew instead.",
            current=held.flag.version,
            diff={field: (became, current)},
            actor=actor,
            at=at,
        )
    return overridden(held, unit, done.before[field], action=Action.UNDO, by=by, reason=reason, now=now)
