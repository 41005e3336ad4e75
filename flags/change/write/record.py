"""Writes a change and what tells of it in the caller's transaction: row, history, the chart's event, the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from flags.change.asked import values
from flags.change.persons import GUARD, PLAN, Person
from flags.change.write import words
from flags.errors import ConflictError
from flags.models import Flag, FlagChange, RolloutPlan
from monitoring import audit, events
from monitoring.models import Event

SHARE: Final = frozenset({"percent", "everyone"})
Action: Final = FlagChange.Action
STEPS: Final = frozenset({Action.ADVANCE, Action.ROLL_BACK})
APPROVED_BY: Final = "approved_by"  # in the evidence of what a second person agreed to


def write(
    flag: Flag,
    read: Mapping[str, Any],
    *,
    action: str | None,
    by: Person,
    reason: str,
    now: datetime,
    evidence: Mapping[str, Any] | None = None,
) -> FlagChange:
    """Set the fields of `read` where nobody wrote since `flag` was read. Raises ConflictError where nothing differs.

    A change of nothing is refused and not taken for done: its row in the history would say what didn't happen, and a
    new version would begin the cohorts anew.
    """
    was = share(flag.everyone, flag.percent)
    before = {field: values.kept(getattr(flag, field)) for field in read}
    after = {field: values.kept(value) for field, value in read.items()}
    differing = [field for field in read if before[field] != after[field]]
    if not differing:
        raise ConflictError(f"{flag.name} is so already, at version {flag.version}: nothing was changed.")
    changed = {field: read[field] for field in differing}
    swapped = Flag.objects.filter(pk=flag.pk, version=flag.version)  # type: ignore[misc]
    if swapped.update(**changed, version=flag.version + 1, modified=now) != 1:
        raise ConflictError(f"{flag.name} was changed at this moment: look again.")
    for field, value in changed.items():
        setattr(flag, field, value)
    flag.version += 1
    became = share(flag.everyone, flag.percent)
    return note(
        flag,
        action=action or told_apart(changed, was, became),
        before={field: before[field] for field in differing},
        after={field: after[field] for field in differing},
        by=by,
        reason=reason,
        now=now,
        evidence=evidence,
        shares=(was, became),
    )


def note(
    flag: Flag,
    *,
    action: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    by: Person,
    reason: str,
    now: datetime,
    evidence: Mapping[str, Any] | None = None,
    shares: tuple[Decimal, Decimal] | None = None,
) -> FlagChange:
    """History, event and audit of what was written; other processes hear of it once it is committed."""
    made = FlagChange.objects.create(
        flag=None if action == Action.DELETE else flag,
        name=flag.name,
        version=flag.version,
        action=action,
        before=dict(before),
        after=dict(after),
        actor=by.name[:150],
        reason=reason,
        at=now,
        evidence=None if evidence is None else dict(evidence),
    )
    aside = words.HELD_PLAN if _holds_plan(flag, action, after, by, evidence) else ""
    text = words.told(flag.name, action, before, after, shares)
    tone = Event.Tone.WARN if action == Action.ROLL_BACK else Event.Tone.INFO if by.is_system else Event.Tone.HAND
    events.record(kind="flag", text=text + (f" ({aside})" if aside else ""), at=now, tone=tone, actor=by.name)
    audit.record(
        actor=by.name or "unknown",
        action=f"flag.{action}",
        subject=flag.name,
        before=before,
        after=after,
        reason=f"{reason} [{aside}]" if aside else reason,
        at=now,
    )
    transaction.on_commit(flag.flush)
    return made


def share(everyone: bool | None, percent: Decimal | None) -> Decimal:
    """What `Flag.share` says, of values that are not a row's yet."""
    if everyone is not None:
        return Decimal(100 if everyone else 0)
    return percent or Decimal(0)


def told_apart(changed: Mapping[str, Any], was: Decimal, became: Decimal) -> str:
    if became == was:
        return Action.EDIT
    if became == 0 and changed.get("everyone") is False:
        return Action.KILL
    return Action.RAISE if became > was else Action.LOWER


def has_open_plan(flag: Flag) -> bool:
    return RolloutPlan.objects.filter(flag=flag, state__in=RolloutPlan.OPEN).exists()


def _holds_plan(
    flag: Flag, action: str, after: Mapping[str, Any], by: Person, evidence: Mapping[str, Any] | None
) -> bool:
    """By hand only: a plan's own steps say so, or bring what it saw."""
    is_step = by in (GUARD, PLAN) or action in STEPS or (evidence is not None and APPROVED_BY not in evidence)
    return not is_step and bool(SHARE & after.keys()) and has_open_plan(flag)
