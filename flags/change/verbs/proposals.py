"""Raises that wait for a second person: proposed, then approved on the version that was proposed for, or refused."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from flags.change.asked import edit as asked
from flags.change.asked.values import kept
from flags.change.persons import Person
from flags.errors import ConflictError, UnknownFlagError
from flags.models import Flag, Proposal
from monitoring import audit, events
from monitoring.models import Event

LASTS: Final = timedelta(hours=24)
LISTED: Final = 200
State: Final = Proposal.State


def propose(flag: Flag, *, edit: Mapping[str, Any], by: Person, reason: str, now: datetime) -> Proposal:
    """Keep what is wanted, in the caller's transaction. Raises ConflictError where another one waits."""
    waiting = Proposal.objects.filter(flag=flag, state=State.WAITING).first()
    if waiting is not None and waiting.version == flag.version and waiting.expires_at > now:
        raise ConflictError(
            f"What {waiting.actor} proposed for {flag.name} waits for a second person until "
            f"{waiting.expires_at:%d %b %H:%M} UTC: approve or refuse that first."
        )
    if waiting is not None:
        decide(waiting, State.STALE, by="", now=now)
    made = Proposal.objects.create(
        flag=flag,
        version=flag.version,
        edit={field: kept(value) for field, value in edit.items()},
        actor=by.name[:150],
        reason=reason,
        at=now,
        expires_at=now + LASTS,
    )
    _tell("propose", made, by=by, reason=reason, now=now)
    return made


def refuse(proposal_id: uuid.UUID, *, by: Person, reason: str, now: datetime) -> Proposal:
    """Say no, or take one's own back. Raises UnknownFlagError, InvalidError, NotAllowedError, ConflictError."""
    why = asked.reason(reason)
    by.require_change()
    with transaction.atomic():
        proposal = locked(proposal_id)
        check_waiting(proposal)
        decide(proposal, State.REFUSED, by=by.name, now=now)
        _tell("refuse", proposal, by=by, reason=why, now=now)
    return proposal


def waiting(now: datetime) -> list[Proposal]:
    """Those that can still be approved, the oldest first."""
    rows = Proposal.objects.select_related("flag").filter(state=State.WAITING, expires_at__gt=now)
    return [each for each in rows.order_by("at", "id")[:LISTED] if each.version == each.flag.version]


def locked(proposal_id: uuid.UUID) -> Proposal:
    """The row, after its flag's: in the order in which changes lock."""
    found = Proposal.objects.select_related("flag").filter(pk=proposal_id).first()
    if found is not None:
        Flag.objects.select_for_update().filter(pk=found.flag_id).first()
        found = Proposal.objects.select_for_update(of=("self",)).select_related("flag").filter(pk=proposal_id).first()
    if found is None:
        raise UnknownFlagError(f"There is no proposal {proposal_id}.")
    return found


def check_waiting(proposal: Proposal) -> None:
    if proposal.state != State.WAITING:
        by = f" by {proposal.decided_by}" if proposal.decided_by else ""
        raise ConflictError(f"This proposal is {State(proposal.state).label.lower()}{by} already.")


def decide(proposal: Proposal, state: str, *, by: str, now: datetime) -> None:
    proposal.state, proposal.decided_by, proposal.decided_at = state, by[:150], now
    proposal.save(update_fields=["state", "decided_by", "decided_at"])


def _tell(verb: str, proposal: Proposal, *, by: Person, reason: str, now: datetime) -> None:
    name = proposal.flag.name
    said = {"propose": "a raise waits for a second person", "refuse": "a proposed raise was refused"}[verb]
    events.record(kind="flag", text=f"{name}: {said}", at=now, tone=Event.Tone.HAND, actor=by.name)
    audit.record(actor=by.name, action=f"flag.{verb}", subject=name, after=proposal.edit, reason=reason, at=now)
