"""The second person's yes: makes the change that was proposed, if it still stands on the version that it was for."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction

from flags.change.persons import Person
from flags.change.verbs import edit as verb
from flags.change.verbs.proposals import State, check_waiting, decide, locked
from flags.change.write.hold import Held, lock_flagset
from flags.change.write.record import APPROVED_BY
from flags.errors import ConflictError, NotAllowedError
from flags.models import FlagChange, Proposal
from monitoring import audit


def approve(proposal_id: uuid.UUID, *, by: Person, now: datetime) -> FlagChange:
    """Make the proposed change, in the name of who proposed it.

    Raises UnknownFlagError, NotAllowedError for the proposer, StaleError when the flag was changed meanwhile, and
    ConflictError: decided, expired or frozen. What is stale or expired is kept as such.
    """
    by.require_change()
    with transaction.atomic():
        proposal = locked(proposal_id)
        check_waiting(proposal)
        if proposal.actor == by.name:
            raise NotAllowedError("Another person than the one who proposed it has to approve.")
        flagset = lock_flagset()
        refusal = _outlived(proposal, now)
        if refusal is None:
            return _approved(proposal, Held(proposal.flag, flagset), by, now)
        decide(proposal, State.STALE, by="", now=now)
    raise refusal  # after the commit, which keeps that it is stale


def _outlived(proposal: Proposal, now: datetime) -> ConflictError | None:
    if proposal.expires_at <= now:
        return ConflictError(f"This proposal ended at {proposal.expires_at:%d %b %H:%M} UTC: propose it again.")
    if proposal.flag.version != proposal.version:
        return verb.stale(proposal.flag, proposal.version)
    return None


def _approved(proposal: Proposal, held: Held, by: Person, now: datetime) -> FlagChange:
    made = verb.changed(
        held,
        expect=proposal.version,
        edit=proposal.edit,
        by=Person(proposal.actor, may_change=True, may_approve=by.may_approve),
        reason=proposal.reason,
        now=now,
        evidence={APPROVED_BY: by.name, "proposal": str(proposal.pk)},
        is_agreed=True,
    )
    if not isinstance(made, FlagChange):
        raise TypeError(f"an agreed change was proposed again: {proposal.pk}")
    decide(proposal, State.APPROVED, by=by.name, now=now)
    audit.record(
        actor=by.name,
        action="flag.approve",
        subject=made.name,
        before=made.before,
        after=made.after,
        reason=f"approves what {proposal.actor} proposed: {proposal.reason}",
        at=now,
    )
    return made
