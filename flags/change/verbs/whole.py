"""What holds for all flags: the freeze, the guards' pause, and the share that needs a second person."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from flags import snapshot
from flags.change.asked import edit as asked
from flags.change.asked.values import Fault, kept, plain, share
from flags.change.persons import Person
from flags.change.write.hold import lock_flagset
from flags.errors import ConflictError, InvalidError
from flags.models import Flagset
from monitoring import audit, events
from monitoring.models import Event


def freeze(is_frozen: bool, *, by: Person, reason: str, now: datetime) -> Flagset:
    """Nobody changes a flag any more, but killing one and the guard's rolling back; or all may again."""
    by.require_change()
    said = "All flags are frozen" if is_frozen else "The freeze of flags is over"
    return _set(
        "is_frozen", is_frozen, verb="freeze" if is_frozen else "unfreeze", said=said, by=by, reason=reason, now=now
    )


def pause_guard(is_paused: bool, *, by: Person, reason: str, now: datetime) -> Flagset:
    """Guards and plans watch, and act on nothing; or act again. Only for admins: it takes a protection away."""
    by.require_approve("Pausing the guards")
    said = "Guards of rollouts are paused" if is_paused else "Guards of rollouts act again"
    verb = "pause_guard" if is_paused else "resume_guard"
    return _set("is_guard_paused", is_paused, verb=verb, said=said, by=by, reason=reason, now=now)


def require_approval(over: Decimal | float | str | None, *, by: Person, reason: str, now: datetime) -> Flagset:
    """Raising beyond `over` percent needs a second person; None ends that. Only for admins."""
    by.require_approve("Setting when a second person is needed")
    try:
        limit = share(over)
    except Fault as fault:
        raise InvalidError(("over", str(fault))) from None
    said = "No raise needs a second person" if limit is None else f"Raising over {plain(limit)} % needs a second person"
    return _set("approval_over", limit, verb="require_approval", said=said, by=by, reason=reason, now=now)


def _set(field: str, value: Any, *, verb: str, said: str, by: Person, reason: str, now: datetime) -> Flagset:
    why = asked.reason(reason)
    with transaction.atomic():
        held = lock_flagset()
        before = kept(getattr(held, field))
        if before == kept(value):
            raise ConflictError(f"{said} already: nothing was changed.")
        setattr(held, field, value)
        held.version += 1
        if field == "is_frozen" or not held.is_frozen:  # while all is frozen, they tell of the freeze
            held.actor, held.reason, held.at = by.name[:150], why, now
        held.save(update_fields=[field, "version", "actor", "reason", "at"])
        events.record(kind="flag", text=said, at=now, tone=Event.Tone.HAND, actor=by.name)
        audit.record(
            actor=by.name,
            action=f"flag.{verb}",
            subject="all flags",
            before={field: before},
            after={field: kept(value)},
            reason=why,
            at=now,
        )
        transaction.on_commit(snapshot.announce)
    return held
