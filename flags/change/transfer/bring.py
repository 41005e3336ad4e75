"""Brings a file's flags in: all of them or none, by the verbs that any change goes through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from flags.change.asked import edit as asked
from flags.change.persons import Person
from flags.change.transfer import file
from flags.change.transfer.compare import differing
from flags.change.transfer.file import OVERRIDES, Fields
from flags.change.verbs import edit as verb
from flags.change.verbs import overrides
from flags.change.write import outside
from flags.change.write.hold import Held, check_frozen, check_locked, lock_flags, lock_flagset
from flags.errors import InvalidError
from flags.models import Flag, FlagChange, Flagset, Proposal

Made = list[FlagChange | Proposal]


@dataclass(frozen=True, slots=True)
class _How:
    flagset: Flagset
    by: Person
    reason: str
    now: datetime

    @property
    def said(self) -> dict[str, Any]:
        return {"by": self.by, "reason": self.reason, "now": self.now}


def apply(text: str, *, by: Person, reason: str, now: datetime) -> Made:
    """Make the flags as the file says. What needs a second person is proposed; nothing is deleted.

    Raises InvalidError, its faults with the flag's name before the field's, and else as `change` and `create` do.
    """
    why = asked.reason(reason)
    by.require_change()
    there = file.read(text)
    made: Made = []
    with transaction.atomic():
        rows = lock_flags(list(there))
        how = _How(lock_flagset(), by, why, now)
        here = file.here()
        for name in _in_order(there):
            with _naming(name):
                made += _brought(rows.get(name), name, here.get(name, {}), there[name], how)
    return made


def _brought(flag: Flag | None, name: str, here: Fields, there: Fields, how: _How) -> Made:
    fields = {field: value for field, value in there.items() if field != OVERRIDES}
    if flag is None:
        check_frozen(how.flagset)
        if fields.get("is_locked"):
            how.by.require_approve("Locking")
        made: Made = [verb.created(asked.name(name), fields=fields, flagset=how.flagset, **how.said)]
        return made + _overridden(Held(Flag.objects.get(name=name), how.flagset), {}, there, how)
    held = Held(flag, how.flagset)
    outside.notice(flag, how.now)
    # first, since with a new lock the person may not be let
    made = _overridden(held, here, there, how)
    changed = {each.field: each.there for each in differing(name, here, fields)}
    if changed:
        made.append(verb.changed(held, expect=None, edit=changed, **how.said))
    return made


def _overridden(held: Held, here: Mapping[str, Any], there: Mapping[str, Any], how: _How) -> Made:
    was, wanted = here.get(OVERRIDES, {}), there.get(OVERRIDES)
    if wanted is None or was == wanted:
        return []
    check_frozen(held.flagset)
    check_locked(held.flag, how.by)
    # those that go first, so that a full list has room
    units = sorted(was.keys() | wanted.keys(), key=lambda unit: (unit in wanted, unit))
    action = FlagChange.Action.OVERRIDE
    return [
        overrides.overridden(held, asked.unit(unit), wanted.get(unit), action=action, **how.said)
        for unit in units
        if was.get(unit) != wanted.get(unit)
    ]


def _in_order(there: Mapping[str, Fields]) -> Iterator[str]:
    """What is needed comes before what needs it; what needs itself in a circle comes last, and is refused."""
    waiting = dict.fromkeys(sorted(there))
    while waiting:
        ready = [name for name in waiting if not _needed(there[name]) & waiting.keys()] or list(waiting)
        yield from ready
        for name in ready:
            del waiting[name]


def _needed(fields: Fields) -> set[str]:
    needs = fields.get("needs")
    return {each for each in needs if isinstance(each, str)} if isinstance(needs, list) else set()


@contextmanager
def _naming(name: str) -> Iterator[None]:
    try:
        yield
    except InvalidError as error:
        raise InvalidError(*((f"{name}.{field}", message) for field, message in error.faults)) from None
