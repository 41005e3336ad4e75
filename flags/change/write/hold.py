"""Takes hold of flags for a change: first their rows, then the one row of the flagset, as the triggers lock them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from flags import catalog
from flags.change.asked.values import plain
from flags.change.persons import Person
from flags.change.write import outside
from flags.errors import ConflictError, UnknownFlagError
from flags.models import Flag, Flagset


@dataclass(frozen=True, slots=True)
class Held:
    """One flag and what holds for all, locked until the transaction ends."""

    flag: Flag
    flagset: Flagset


@contextmanager
def hold(name: str, now: datetime) -> Iterator[Held]:
    """In a transaction of its own, so that freeze and version are judged at one moment. Raises UnknownFlagError.

    What was written around the verbs goes into the history first, or it would show as this change's doing.
    """
    with transaction.atomic():
        flag = Flag.objects.select_for_update().filter(name=name).first()
        if flag is None:
            raise unknown(name)
        held = Held(flag, lock_flagset())
        outside.notice(flag, now)
        yield held


def lock_flagset() -> Flagset:
    """The one row, made where it is missing."""
    found = Flagset.objects.select_for_update().filter(pk=Flagset.ONLY).first()
    if found is None:
        Flagset.objects.bulk_create([Flagset(pk=Flagset.ONLY)], ignore_conflicts=True)
        found = Flagset.objects.select_for_update().get(pk=Flagset.ONLY)
    return found


def lock_flags(names: Sequence[str]) -> dict[str, Flag]:
    """Many at once, always in the same order, before the flagset."""
    return {flag.name: flag for flag in Flag.objects.select_for_update().filter(name__in=names).order_by("pk")}


def flagset() -> Flagset:
    """What holds for all flags now."""
    return Flagset.objects.filter(pk=Flagset.ONLY).first() or Flagset(pk=Flagset.ONLY)


def unknown(name: str) -> UnknownFlagError:
    if catalog.find(name) is not None:
        return UnknownFlagError(f"{name} is in the catalogue and has no row yet: run `manage.py flags seed` first.")
    return UnknownFlagError(f"There is no flag {name!r:.120}. See `manage.py flags list`.")


def check_frozen(held: Flagset) -> None:
    if held.is_frozen:
        why = f": {held.reason}" if held.reason else ""
        raise ConflictError(
            f"All flags are frozen by {held.actor or 'somebody'}{why}. A flag can be killed; for anything else, end "
            "the freeze first."
        )


def check_locked(flag: Flag, by: Person) -> None:
    if flag.is_locked:
        by.require_approve(f"{flag.name} is locked")


def check_pinned(flag: Flag) -> None:
    """The environment decides, so that a change would be believed and do nothing."""
    pin = catalog.pin(flag.name)
    if pin is not None:
        value = plain(pin.percent) + " %" if pin.everyone is None else "on" if pin.everyone else "off"
        raise ConflictError(
            f"{flag.name} is pinned to {value} by the environment variable {pin_of(flag.name)}. Take it away and start "
            "the processes anew; then change the flag here."
        )


def pin_of(name: str) -> str:
    """The variable that would pin it: FLAG_FORCE_ENHANCED_PROMPTS."""
    return "FLAG_FORCE_" + "".join(letter if letter.isalnum() else "_" for letter in name.upper())
