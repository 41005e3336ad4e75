"""The change of a flag by its version: whoever saw an older one is told the difference, and nothing is overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from flags import catalog
from flags.change.asked import edit as asked
from flags.change.asked.values import as_kept, plain
from flags.change.look import history
from flags.change.persons import Person
from flags.change.verbs import proposals
from flags.change.write import record
from flags.change.write.hold import (
    Held,
    check_frozen,
    check_locked,
    check_pinned,
    hold,
    lock_flagset,
)
from flags.errors import ConflictError, InvalidError, StaleError
from flags.models import Flag, FlagChange, Flagset, Proposal

MOST: Final = 2000  # flags of one installation
Action: Final = FlagChange.Action


def change(
    name: str,
    *,
    expect: int | None,
    edit: Mapping[str, Any],
    by: Person,
    reason: str,
    now: datetime,
    action: str | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> FlagChange | Proposal:
    """Change the fields of `edit` on the version that was seen; None only for the house's own.

    Raising the share beyond what the flagset says needs a second person: then a Proposal is kept and returned, and
    nothing is changed. So does a new rule that turns the flag on, which may be for everybody.

    Raises UnknownFlagError, InvalidError, NotAllowedError, StaleError with what others changed, and ConflictError:
    frozen, pinned by the environment, nothing differs.
    """
    why = asked.reason(reason)
    by.require_change()
    _check_expected(expect, by)
    with hold(name, now) as held:
        return changed(held, expect=expect, edit=edit, by=by, reason=why, now=now, action=action, evidence=evidence)


def changed(
    held: Held,
    *,
    expect: int | None,
    edit: Mapping[str, Any],
    by: Person,
    reason: str,
    now: datetime,
    action: str | None = None,
    evidence: Mapping[str, Any] | None = None,
    is_agreed: bool = False,
) -> FlagChange | Proposal:
    """The same with the flag in hand. `is_agreed` says that a second person has agreed already."""
    flag = held.flag
    if not (by.is_system and action == Action.ROLL_BACK):
        check_frozen(held.flagset)
    check_locked(flag, by)
    if "is_locked" in edit:
        by.require_approve("Locking and unlocking")
    if expect is not None and flag.version != expect:
        raise stale(flag, expect)
    read = asked.edit(flag, edit, now=now)
    if record.SHARE & read.keys():
        check_pinned(flag)
    if not (is_agreed or by.is_system) and needs_second(flag, read, held.flagset):
        return proposals.propose(flag, edit=read, by=by, reason=reason, now=now)
    return record.write(flag, read, action=action, by=by, reason=reason, now=now, evidence=evidence)


def create(name: str, *, fields: Mapping[str, Any], by: Person, reason: str, now: datetime) -> FlagChange:
    """A new flag: at 0 % unless `fields` say otherwise. Raises InvalidError, NotAllowedError, ConflictError."""
    why, name = asked.reason(reason), asked.name(name)
    by.require_change()
    with transaction.atomic():
        flagset = lock_flagset()
        check_frozen(flagset)
        if fields.get("is_locked"):
            by.require_approve("Locking")
        return created(name, fields=fields, by=by, reason=why, now=now, flagset=flagset)


def created(
    name: str, *, fields: Mapping[str, Any], by: Person, reason: str, now: datetime, flagset: Flagset
) -> FlagChange:
    flag = Flag(name=name, percent=Decimal(0), created=now, modified=now)
    read = asked.edit(flag, fields, now=now) if fields else {}
    if not by.is_system and needs_second(flag, read, flagset):
        raise ConflictError(
            f"More than {plain(flagset.approval_over or Decimal(0))} % needs a second person. Create {name} with less, "
            "then raise it."
        )
    for field, value in read.items():
        setattr(flag, field, value)
    if Flag.objects.filter(name=name).exists():
        raise ConflictError(f"There is a flag {name} already: change that one.")
    if Flag.objects.count() >= MOST:
        raise ConflictError(f"There are {MOST} flags, which is the most. Delete stale ones first.")
    flag.save(force_insert=True)
    given: dict[str, Any] = {"by": by, "reason": reason, "now": now, "shares": (Decimal(0), flag.share)}
    return record.note(flag, action=Action.CREATE, before={}, after=as_kept(flag), **given)


def delete(name: str, *, expect: int | None, by: Person, reason: str, now: datetime) -> FlagChange:
    """Delete it; where code asks for it, the catalogue's default holds. Its history stays.

    Raises as `change`, and ConflictError while code asks for it, a plan of it is open, or another flag needs it.
    """
    why = asked.reason(reason)
    by.require_change()
    _check_expected(expect, by)
    with hold(name, now) as held:
        flag = held.flag
        check_frozen(held.flagset)
        check_locked(flag, by)
        if expect is not None and flag.version != expect:
            raise stale(flag, expect)
        if catalog.find(name):
            raise ConflictError(f"Code asks for {name}: take it out of the catalogue of its app first.")
        if record.has_open_plan(flag):
            raise ConflictError(f"A rollout plan of {name} is open: end it first.")
        needing = list(Flag.objects.filter(needs__contains=[name]).values_list("name", flat=True)[:5])  # type: ignore[misc]
        if needing:
            raise ConflictError(f"{', '.join(needing)} needs {name}: take that away first.")
        before = as_kept(flag)
        gone = copy(flag)  # deleting takes the row's id away, which flush would ask for
        flag.delete()
        gone.version += 1
        return record.note(gone, action=Action.DELETE, before=before, after={}, by=by, reason=why, now=now)


def needs_second(flag: Flag, read: Mapping[str, Any], flagset: Flagset) -> bool:
    """Whether more units than one person may decide for could be in afterwards."""
    over = flagset.approval_over
    if over is None:
        return False
    was, became = _reach(flag, {}), _reach(flag, read)
    turns_on = "rules" in read and read["rules"] != flag.rules
    return became > over and (became > was or turns_on)


def stale(flag: Flag, expect: int) -> StaleError:
    """What others changed since `expect`, as the caller had seen it and as it is now."""
    diff, latest = history.since(flag, expect)
    who = latest.actor if latest else "somebody"
    listed = "; ".join(f"{field} was {_said(was)}, is {_said(now)}" for field, (was, now) in list(diff.items())[:5])
    return StaleError(
        f"{flag.name} is at version {flag.version}, you saw {expect}: {who} changed it meanwhile"
        + (f" ({listed})." if listed else "."),
        current=flag.version,
        diff=diff,
        actor=who,
        at=latest.at if latest else flag.modified,
    )


def _reach(flag: Flag, read: Mapping[str, Any]) -> Decimal:
    """The largest share that this could come to: a rule that turns on may fit everybody."""
    everyone, percent, rules = (read.get(field, getattr(flag, field)) for field in ("everyone", "percent", "rules"))
    if everyone is None and any(rule["then"] for rule in rules):
        return Decimal(100)
    return record.share(everyone, percent)


def _check_expected(expect: int | None, by: Person) -> None:
    if expect is None and not by.is_system:
        raise InvalidError(("version", "send the version that you have seen, so that nobody's change is overwritten"))


def _said(value: Any) -> str:
    return "nothing" if value is None else f"{value!r:.60}" if isinstance(value, str) else f"{value!s:.60}"
