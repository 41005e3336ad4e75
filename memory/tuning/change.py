"""Changes the settings of a workspace: a new version each time, audited, and drawn on the charts."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from memory.errors import ConflictError, NotFoundError
from memory.models import Tuning, Workspace
from memory.tuning.current import forget
from memory.tuning.stored import differing, flat, parse, read
from memory.tuning.terms import Terms
from monitoring import audit, events
from monitoring.models import Event

REASON_LENGTH = 500


def change(
    *,
    workspace_id: uuid.UUID,
    terms: Mapping[str, Any],
    actor: str,
    now: datetime,
    expect: int | None = None,
    reason: str = "",
) -> Tuning:
    """Let `terms`, what is to differ from the defaults, hold from now on; the new version.

    Settings that are as they were make no version. `expect` is the version that the caller has seen, 0 for none:
    ConflictError where another holds by now. Raises InvalidError for values that can't be meant, with their paths.
    """
    wanted = parse(terms)
    with transaction.atomic():
        name, newest = _locked(workspace_id)
        seen = newest.number if newest else 0
        if expect is not None and expect != seen:
            raise ConflictError(f"The settings are at version {seen} by now, not {expect}: read them again first.")
        was = read(newest.terms if newest else {})
        if newest is not None and wanted == was:
            return newest
        made = Tuning.objects.create(
            workspace_id=workspace_id,
            number=seen + 1,
            terms=differing(wanted),
            actor=actor,
            reason=reason[:REASON_LENGTH],
        )
        _tell(name, made, was, wanted, now)
        transaction.on_commit(forget)
    return made


def revert(
    *, workspace_id: uuid.UUID, number: int, actor: str, now: datetime, expect: int | None = None, reason: str = ""
) -> Tuning:
    """Let an earlier version's settings hold again, as a new version; 0 is the defaults."""
    earlier: Mapping[str, Any] = {}
    if number:
        stored = Tuning.objects.filter(workspace_id=workspace_id, number=number).first()
        if stored is None:
            raise NotFoundError(f"The settings have no version {number} in this workspace.")
        earlier = differing(read(stored.terms))
    why = f"Back to version {number}. {reason}".strip()
    return change(workspace_id=workspace_id, terms=earlier, actor=actor, now=now, expect=expect, reason=why)


def newest(workspace_id: uuid.UUID) -> Tuning | None:
    """The version that holds; None while no setting was ever changed."""
    return Tuning.objects.filter(workspace_id=workspace_id).order_by("-number").first()


def _locked(workspace_id: uuid.UUID) -> tuple[str, Tuning | None]:
    """The workspace's name and the version that holds, while nobody else changes it."""
    name = Workspace.objects.select_for_update(no_key=True).filter(pk=workspace_id).values_list("name", flat=True)
    if (found := name.first()) is None:
        raise NotFoundError(f"No workspace {workspace_id}.")
    return found, newest(workspace_id)


def _tell(name: str, made: Tuning, was: Terms, became: Terms, now: datetime) -> None:
    before, after = flat(was), flat(became)
    paths = [path for path in after if after[path] != before[path]]
    said = f"{name}: {', '.join(f'{path} {before[path]} → {after[path]}' for path in paths) or 'nothing differs'}"
    events.record(kind="settings", text=said, at=now, tone=Event.Tone.HAND, actor=made.actor[:150])
    audit.record(
        actor=made.actor,
        action="settings.change",
        subject=name,
        before={path: before[path] for path in paths},
        after={path: after[path] for path in paths},
        reason=made.reason,
        at=now,
    )
