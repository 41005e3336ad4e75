"""Whom waffle lets in on top of the share, where a request asks: testers, staff, languages, members, groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from flags.change.asked import edit as asked
from flags.change.persons import Person
from flags.change.verbs.edit import stale
from flags.change.write import record
from flags.change.write.hold import check_frozen, check_locked, hold
from flags.errors import ConflictError, InvalidError
from flags.models import Flag, FlagChange

CONDITIONS: Final = ("testing", "superusers", "staff", "authenticated", "languages")
MEMBERS: Final = ("users", "groups")


def let_in(name: str, *, expect: int, edit: Mapping[str, Any], by: Person, reason: str, now: datetime) -> FlagChange:
    """Change CONDITIONS, and MEMBERS as rows. Shares and cohorts stay as they are, so the flag's version does too.

    Raises UnknownFlagError, InvalidError, NotAllowedError, StaleError, and ConflictError: frozen, nothing differs.
    """
    why = asked.reason(reason)
    by.require_change()
    strange = [(field, "is nobody to let in") for field in edit if field not in CONDITIONS + MEMBERS]
    if strange:
        raise InvalidError(*strange)
    with hold(name, now) as held:
        flag = held.flag
        check_frozen(held.flagset)
        check_locked(flag, by)
        if flag.version != expect:
            raise stale(flag, expect)
        before, after = _told(flag, edit), {field: _kept(value) for field, value in edit.items()}
        if before == after:
            raise ConflictError(f"{name} lets the same people in already: nothing was changed.")
        Flag.objects.filter(pk=flag.pk).update(**{field: edit[field] for field in edit if field in CONDITIONS})
        for field in MEMBERS:
            if field in edit:
                getattr(flag, field).set(edit[field])
        action, shares = FlagChange.Action.EDIT, (flag.share, flag.share)
        return record.note(flag, action=action, before=before, after=after, by=by, reason=why, now=now, shares=shares)


def _told(flag: Flag, edit: Mapping[str, Any]) -> dict[str, Any]:
    read = {field: getattr(flag, field) for field in edit}
    return {field: _kept(value.all() if field in MEMBERS else value) for field, value in read.items()}


def _kept(value: Any) -> Any:
    """As history keeps it: people and groups by their names."""
    if isinstance(value, bool | str):
        return value
    members: Iterable[Any] = value
    return sorted(str(member) for member in members)
