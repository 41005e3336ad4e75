"""The API of what holds for all flags: the freeze, the guards' pause, second persons and what waits for them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from flags import change
from flags.api import schemas
from flags.change import Person
from flags.models import FlagChange, Flagset, Proposal

router = Router(tags=["flags"])


@router.get("/flagset", response=schemas.FlagsetOut, url_name="flagset")
def get_flagset(request: HttpRequest) -> Flagset:
    """What holds for all flags."""
    return change.flagset()


@router.put("/freeze", response={200: schemas.FlagsetOut, 409: schemas.Changed}, url_name="flags_freeze")
def freeze(request: HttpRequest, body: schemas.Freeze) -> Flagset:
    """Freeze all flags, or end that. Frozen flags can be killed, and guards may roll back; nothing else."""
    return change.freeze(body.is_frozen, by=_person(request), reason=body.reason, now=timezone.now())


@router.put("/guard", response={200: schemas.FlagsetOut, 409: schemas.Changed}, url_name="flags_guard")
def pause_guard(request: HttpRequest, body: schemas.Pause) -> Flagset:
    """Have guards and plans watch only, or act again."""
    return change.pause_guard(body.is_paused, by=_person(request), reason=body.reason, now=timezone.now())


@router.put("/approval", response={200: schemas.FlagsetOut, 409: schemas.Changed}, url_name="flags_approval")
def require_approval(request: HttpRequest, body: schemas.Approval) -> Flagset:
    """Beyond which share raising needs a second person."""
    return change.require_approval(body.over, by=_person(request), reason=body.reason, now=timezone.now())


@router.get("/proposals", response=schemas.Proposals, url_name="flag_proposals")
def list_proposals(request: HttpRequest) -> dict[str, Any]:
    """What waits for a second person, the oldest first: one for each flag at most."""
    return {"items": change.waiting(timezone.now())}


@router.post(
    "/proposals/{uuid:id}/approve", response={200: schemas.ChangeOut, 409: schemas.Changed}, url_name="flag_approve"
)
def approve(request: HttpRequest, id: UUID) -> FlagChange:
    """Agree to it, by another key than the one that proposed: the change is made now."""
    return change.approve(id, by=_person(request), now=timezone.now())


@router.post(
    "/proposals/{uuid:id}/refuse", response={200: schemas.ProposalOut, 409: schemas.Changed}, url_name="flag_refuse"
)
def refuse(request: HttpRequest, id: UUID, body: schemas.Reason) -> Proposal:
    """Say no to it, or take one's own back."""
    return change.refuse(id, by=_person(request), reason=body.reason, now=timezone.now())


def _person(request: HttpRequest) -> Person:
    caller: Any = request.auth  # type: ignore[attr-defined]
    caller.require("admin")
    return Person.of_key(str(caller.key), caller.scope)
