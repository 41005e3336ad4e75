"""The audit log: who did what to which thing, why, and what it was before. Entries are written, never changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, Final

from django.db.models import Q, QuerySet

from monitoring.models import AuditEntry
from monitoring.tracing import request_id

ACTION: Final = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
FIELDS: Final = 50  # of one thing before and after
VALUE_LENGTH: Final = 2000  # of one value as text
KEPT: Final = timedelta(days=396)  # 13 months, as the trigger has it
PRUNED: Final = 1000  # rows at a time
PRUNE_S: Final = 3600
CHOICES: Final = 100


def record(
    *,
    actor: str,
    action: str,
    subject: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
    at: datetime,
) -> AuditEntry:
    """Write one entry, in the transaction of the change itself. Long texts are cut.

    `before` and `after` hold what people may read: figures, names and states, never what somebody wrote to be
    remembered, since entries outlive it. Raises ValueError where nobody acted, for an action that is not
    "noun.verb", and for a naive time.
    """
    if not actor:
        raise ValueError(f"an audit entry names who acted: {action} of {subject!r} has nobody")
    if not ACTION.fullmatch(action):
        raise ValueError(f'an action is "noun.verb", such as "alert.acknowledge", got {action!r}')
    if at.tzinfo is None:
        raise ValueError(f"an audit entry's time must be aware, got {at.isoformat()}")
    was, became = _changed(before, after)
    return AuditEntry.objects.create(
        at=at,
        actor=_cut(actor, 150),
        action=_cut(action, AuditEntry.ACTION_LENGTH),
        subject=_cut(subject, AuditEntry.SUBJECT_LENGTH),
        before=was,
        after=became,
        reason=_cut(" ".join(reason.split()), AuditEntry.REASON_LENGTH),
        request_id=request_id.current()[:64],
    )


def find(
    *, start: datetime, end: datetime, actor: str = "", action: str = "", subject: str = "", text: str = ""
) -> QuerySet[AuditEntry]:
    """The entries of [start, end), the latest first.

    An action may be a noun alone, which is all that was done to such things; `text` is looked for in the subject, the
    reason, and what was before and after.
    """
    rows = AuditEntry.objects.filter(at__gte=start, at__lt=end).order_by("-at", "-id")
    if actor:
        rows = rows.filter(actor=actor)
    if subject:
        rows = rows.filter(subject=subject)
    if action:
        rows = rows.filter(action=action) if "." in action else rows.filter(action__startswith=f"{action}.")
    if text:
        changed = Q(before__icontains=text) | Q(after__icontains=text)
        rows = rows.filter(Q(subject__icontains=text) | Q(reason__icontains=text) | changed)
    return rows


def choices(start: datetime, end: datetime) -> tuple[list[str], list[str]]:
    """Who acted in [start, end), and what was done, by name."""
    rows = AuditEntry.objects.filter(at__gte=start, at__lt=end)
    actors, actions = (
        list(rows.order_by(name).values_list(name, flat=True).distinct()[:CHOICES]) for name in ("actor", "action")
    )
    return actors, actions


def prune(*, now: datetime) -> int:
    """Delete some of the entries that are older than 13 months; how many."""
    old = AuditEntry.objects.filter(at__lt=now - KEPT).order_by("at")[:PRUNED]
    return AuditEntry.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()[0]


class Pruner:
    """The aggregator's part: old entries go once an hour."""

    def __init__(self) -> None:
        self._pruned_at = 0

    def tick(self, second: int) -> None:
        if second - self._pruned_at >= PRUNE_S:
            prune(now=datetime.fromtimestamp(second, UTC))
            self._pruned_at = second


def _changed(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Only what differs where both are given, in values that JSON knows."""
    was, became = (
        None if side is None else {key: _plain(side[key]) for key in list(side)[:FIELDS]} for side in (before, after)
    )
    if was is None or became is None:
        return was, became
    same = {key for key in was.keys() & became.keys() if was[key] == became[key]}
    return tuple({key: value for key, value in side.items() if key not in same} for side in (was, became))  # type: ignore[return-value]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and isfinite(value)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(value[key]) for key in list(value)[:FIELDS]}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in list(value)[:FIELDS]]
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return _cut(str(value), VALUE_LENGTH)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
