"""Flags of a drill's own: changed by the verbs that people use, told to nobody, and gone when the drill ends.

The audit log keeps what was done, by "drill". Charts and alert channels never see it: what would tell is taken back in
the transaction that wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from flags import change, rollout, snapshot
from flags.models import Flag, FlagChange
from monitoring.health.drills import Drill
from monitoring.models import Event, Notification

# of the house, since approvals are for what people get
BY: Final = change.Person("drill", may_change=True, may_approve=True, is_system=True)
REASON: Final = "A drill's own flag, which goes when the drill ends."


def make(drill: Drill, part: str = "", **fields: Any) -> str:
    """A flag under the drill's scope; its name."""
    name = f"{drill.scope}.{part}" if part else drill.scope
    with untold(drill.scope) as now:
        change.create(
            name, fields={"owner": "drill", "note": "Made by a drill."} | fields, by=BY, reason=REASON, now=now
        )
    return name


def edit(drill: Drill, name: str, to: Mapping[str, Any]) -> None:
    with untold(drill.scope) as now:
        change.change(name, expect=None, edit=to, by=BY, reason=REASON, now=now)


@contextmanager
def untold(scope: str) -> Iterator[datetime]:
    """A transaction whose events and notifications about the scope are gone before anybody could see them.

    Gives the time to write with. After it this process asks anew, so that the drill sees what it did.
    """
    now = timezone.now()
    with transaction.atomic():
        yield now
        Event.objects.filter(at__gte=now, kind="flag", text__contains=scope).delete()
        Notification.objects.filter(created_at__gte=now, message__icontains=scope).delete()
    snapshot.announce()


def on(name: str, units: tuple[str, ...], **asked: Any) -> set[str]:
    """The units that have it."""
    return {unit for unit in units if rollout.is_on(name, unit, **asked)}


def clean(scope: str) -> None:
    """Remove the flags whose names begin so, with their plans and history."""
    with transaction.atomic():
        FlagChange.objects.filter(name__startswith=scope).delete()
        gone, _ = Flag.objects.filter(name__startswith=scope).delete()
    if gone:
        snapshot.announce()
