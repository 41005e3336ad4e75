"""What must work at once: killing a flag, and taking a change back."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from flags.change.asked import edit as asked
from flags.change.asked.values import FIELDS, kept, unkept
from flags.change.persons import Person
from flags.change.verbs import overrides, proposals
from flags.change.verbs.edit import needs_second
from flags.change.write import record
from flags.change.write.hold import Held, check_frozen, check_locked, check_pinned, hold
from flags.change.write.words import OVERRIDE
from flags.errors import ConflictError, StaleError, UnknownFlagError
from flags.models import FlagChange, Proposal

AGREED: Final = timedelta(minutes=10)  # after a change, undoing it gives back what a second person needn't see again
DEPENDING: Final[tuple[str, ...]] = ("needs", "starts_at", "ends_at")
Action: Final = FlagChange.Action


def kill(name: str, *, by: Person, reason: str, now: datetime) -> FlagChange:
    """Off for everyone, now: whatever version, frozen or not. The percentage stays for when it is given back.

    Raises UnknownFlagError, InvalidError, NotAllowedError (locked flags need an admin), and ConflictError where it is
    off already or pinned by the environment, which no kill reaches.
    """
    why = asked.reason(reason)
    by.require_change()
    with hold(name, now) as held:
        flag = held.flag
        check_locked(flag, by)
        check_pinned(flag)
        if flag.everyone is False:
            raise ConflictError(f"{name} is off for everyone already.")
        return record.write(flag, {"everyone": False}, action=Action.KILL, by=by, reason=why, now=now)


def undo(change_id: uuid.UUID, *, by: Person, reason: str, now: datetime) -> FlagChange | Proposal:
    """Give the fields that a change touched the values that they had before it, exactly.

    Raises UnknownFlagError, NotAllowedError, StaleError when one of them was changed again since, ConflictError: a
    flag's making or deletion, frozen, pinned. Minutes after the change no second person is asked, even where that
    raises; later it is a raise like any other.
    """
    why = asked.reason(reason)
    by.require_change()
    done = FlagChange.objects.filter(pk=change_id).first()
    if done is None:
        raise UnknownFlagError(f"There is no change {change_id}.")
    with hold(done.name, now) as held:
        _check_undoable(done, held, by)
        if any(field.startswith(OVERRIDE) for field in done.after):
            return overrides.undone(held, done, by=by, reason=why, now=now)
        return _undone(held, done, by=by, reason=why, now=now)


def _undone(held: Held, done: FlagChange, *, by: Person, reason: str, now: datetime) -> FlagChange | Proposal:
    _check_untouched(done, {field: kept(getattr(held.flag, field)) for field in done.after if field in FIELDS}, held)
    read: dict[str, Any] = {field: unkept(field, value) for field, value in done.before.items()}
    # what was needed may be gone by now, or the other end of a schedule moved
    if again := {field: read[field] for field in DEPENDING if field in read}:
        asked.edit(held.flag, again, now=now)
    if record.SHARE & read.keys():
        check_pinned(held.flag)
    if not by.is_system and now - done.at > AGREED and needs_second(held.flag, read, held.flagset):
        return proposals.propose(held.flag, edit=read, by=by, reason=reason, now=now)
    return record.write(held.flag, read, action=Action.UNDO, by=by, reason=reason, now=now)


def _check_undoable(done: FlagChange, held: Held, by: Person) -> None:
    check_frozen(held.flagset)
    check_locked(held.flag, by)
    if done.flag_id != held.flag.pk or not done.before:
        raise ConflictError(
            f"That {done.name} was {Action(done.action).label.lower()} can't be undone: create, change or delete it."
        )
    if "is_locked" in done.after:
        by.require_approve("Locking and unlocking")


def _check_untouched(done: FlagChange, current: dict[str, Any], held: Held) -> None:
    diff = {field: (done.after[field], value) for field, value in current.items() if done.after[field] != value}
    if diff:
        latest = FlagChange.objects.filter(flag=held.flag, at__gte=done.at).order_by("-version", "-id").first()
        who = latest.actor if latest else "somebody"
        raise StaleError(
            f"{done.name} was changed again since, by {who}: {', '.join(sorted(diff))}. Undo that first.",
            current=held.flag.version,
            diff=diff,
            actor=who,
            at=latest.at if latest else None,
        )
