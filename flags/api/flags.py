"""The API's group of flags: any key looks and asks who is in; changing them needs a key with scope admin."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Status
from ninja.errors import HttpError

from flags import catalog, change, rollout, snapshot
from flags.api import schemas
from flags.change import Person
from flags.change.write.hold import pin_of, unknown
from flags.models import Flag, FlagChange, Override

router = Router(tags=["flags"])
ANSWERS = 5000  # of one evaluation
Limit = Annotated[int, Query(50, ge=1, le=200, description="Rows a page.")]
Why = Annotated[str, Query(..., max_length=2000, description="Why, in 8 to 500 characters.")]


@router.get("", response=schemas.Flags, url_name="flags")
def list_flags(
    request: HttpRequest,
    limit: Limit,
    q: Annotated[str, Query("", max_length=100, description="A part of the name.")] = "",
    cursor: Annotated[str, Query("", max_length=100, description="`next` of the page before.")] = "",
) -> dict[str, Any]:
    """All flags, by name."""
    found = list(Flag.objects.filter(name__gt=cursor, name__contains=q).order_by("name")[: limit + 1])
    following = found[limit - 1].name if len(found) > limit else None
    return {"items": [_shown(flag) for flag in found[:limit]], "next": following}


@router.post("", response={201: schemas.FlagOut, 409: schemas.Changed}, url_name="flags")
def create_flag(request: HttpRequest, body: schemas.FlagIn) -> Status[Any]:
    """Make a flag: at 0 % unless said otherwise. What is wrong with it is told for all fields at once."""
    change.create(body.name, fields=body.given(), by=_person(request), reason=body.reason, now=timezone.now())
    return Status(201, _found(body.name))


@router.post("/evaluate", response=schemas.Decisions, url_name="flags_evaluate")
def evaluate(request: HttpRequest, body: schemas.EvaluateIn) -> dict[str, Any]:
    """Who is in, and what decided it: for each unit and each flag. Counts for no cohort."""
    known = snapshot.current().flags
    names = body.flags or sorted(known)
    missing = [name for name in names if name not in known]
    if missing:
        raise unknown(missing[0])
    if len(names) * len(body.units) > ANSWERS:
        raise HttpError(422, f"That is more than {ANSWERS:,} answers: ask for fewer units, or name the flags.")
    workspace = str(request.auth.workspace_id) if body.workspace is None else body.workspace  # type: ignore[attr-defined]
    whom: dict[str, Any] = {
        "workspace": workspace,
        "conversation": body.conversation,
        "attributes": body.attributes,
    }
    return {"items": [_decided(name, unit, whom) for unit in body.units for name in names]}


@router.get("/export", url_name="flags_export")
def export(request: HttpRequest) -> HttpResponse:
    """All flags as YAML, as `manage.py flags import` reads them."""
    headers = {"Content-Disposition": 'attachment; filename="flags.yaml"'}
    return HttpResponse(change.transfer.exported(), content_type="application/yaml", headers=headers)


@router.get("/stale", response=schemas.Stales, url_name="flags_stale")
def list_stale(request: HttpRequest) -> dict[str, Any]:
    """Flags that somebody should look after: settled, forgotten, expired, or nobody's."""
    return {"items": change.stale(timezone.now())}


@router.post(
    "/changes/{uuid:id}/undo",
    response={200: schemas.ChangeOut, 202: schemas.ProposalOut, 409: schemas.Changed},
    url_name="flag_undo",
)
def undo_change(request: HttpRequest, id: UUID, body: schemas.Reason) -> Status[Any]:
    """Take one change back: its fields get exactly what they had before. 202 where that needs a second person."""
    made = change.undo(id, by=_person(request), reason=body.reason, now=timezone.now())
    return Status(200 if isinstance(made, FlagChange) else 202, made)


@router.get("/{name}", response=schemas.FlagOut, url_name="flag")
def get_flag(request: HttpRequest, name: str) -> Flag:
    """One flag, with the version that a change has to name."""
    return _found(name)


@router.patch(
    "/{name}",
    response={200: schemas.FlagOut, 202: schemas.ProposalOut, 409: schemas.Changed},
    url_name="flag",
)
def change_flag(request: HttpRequest, name: str, body: schemas.FlagChangeIn) -> Status[Any]:
    """Change the fields that are sent.

    202 and a proposal where raising needs a second person; 409 with the difference where somebody was faster.
    """
    made = change.change(
        name, expect=body.version, edit=body.given(), by=_person(request), reason=body.reason, now=timezone.now()
    )
    return Status(200, _found(name)) if isinstance(made, FlagChange) else Status(202, made)


@router.delete("/{name}", response={204: None, 409: schemas.Changed}, url_name="flag")
def delete_flag(
    request: HttpRequest, name: str, version: Annotated[int, Query(..., ge=1)], reason: Why
) -> Status[None]:
    """Delete a flag. Where code asks for it, the catalogue's default holds; its history stays."""
    change.delete(name, expect=version, by=_person(request), reason=reason, now=timezone.now())
    return Status(204, None)


@router.post("/{name}/kill", response={200: schemas.ChangeOut, 409: schemas.Changed}, url_name="flag_kill")
def kill_flag(request: HttpRequest, name: str, body: schemas.Reason) -> FlagChange:
    """Off for everyone, now: whatever its version, and while all flags are frozen too. Undo gives it back."""
    return change.kill(name, by=_person(request), reason=body.reason, now=timezone.now())


@router.get("/{name}/history", response=schemas.Changes, url_name="flag_history")
def flag_history(request: HttpRequest, name: str, limit: Limit) -> dict[str, Any]:
    """What was done to it, the latest first; also of a flag that is deleted."""
    found = change.history(name, limit)
    if not found and not Flag.objects.filter(name=name).exists():
        raise unknown(name)
    return {"items": found}


@router.get("/{name}/blast", response=schemas.BlastOut, url_name="flag_blast")
def flag_blast(
    request: HttpRequest, name: str, percent: Annotated[str, Query(..., max_length=40, examples=["25"])]
) -> dict[str, Any]:
    """Whom setting it to `percent` would reach, counted from the units that were active in the last 24 hours."""
    found = change.blast(name, percent, now=timezone.now())
    shown = {field: getattr(found, field) for field in schemas.BlastOut.model_fields if field != "percent"}
    largest = [{"name": who, "per_minute": many} for who, many in found.largest]
    return shown | {"percent": float(percent), "largest": largest}


@router.get("/{name}/overrides", response=schemas.Overrides, url_name="flag_overrides")
def list_overrides(
    request: HttpRequest, name: str, limit: Limit, cursor: Annotated[str, Query("", max_length=200)] = ""
) -> dict[str, Any]:
    """The units that always or never have it, by unit."""
    rows = Override.objects.filter(flag=_found(name), unit__gt=cursor).order_by("unit")
    found = list(rows[: limit + 1])
    return {"items": found[:limit], "next": found[limit - 1].unit if len(found) > limit else None}


@router.put(
    "/{name}/overrides/{path:unit}", response={200: schemas.ChangeOut, 409: schemas.Changed}, url_name="flag_override"
)
def put_override(request: HttpRequest, name: str, unit: str, body: schemas.OverrideIn) -> FlagChange:
    """Have this unit always in, or never."""
    return change.override(name, unit, body.is_on, by=_person(request), reason=body.reason, now=timezone.now())


@router.delete(
    "/{name}/overrides/{path:unit}", response={200: schemas.ChangeOut, 409: schemas.Changed}, url_name="flag_override"
)
def delete_override(request: HttpRequest, name: str, unit: str, reason: Why) -> FlagChange:
    """Have its bucket decide for this unit again."""
    return change.override(name, unit, None, by=_person(request), reason=reason, now=timezone.now())


def _person(request: HttpRequest) -> Person:
    """Who changes. The key's scope is asked of whoever authenticated it: keys are not ours."""
    caller: Any = request.auth  # type: ignore[attr-defined]
    caller.require("admin")
    return Person.of_key(str(caller.key), caller.scope)


def _found(name: str) -> Flag:
    flag = Flag.objects.filter(name=name).first()
    if flag is None:
        raise unknown(name)
    return _shown(flag)


def _shown(flag: Flag) -> Flag:
    flag.pinned_by = pin_of(flag.name) if catalog.pin(flag.name) else ""  # type: ignore[attr-defined]
    return flag


def _decided(name: str, unit: str, whom: dict[str, Any]) -> dict[str, Any]:
    found = rollout.decide(name, unit, **whom)
    shown = {field: getattr(found, field) for field in ("unit", "is_on", "by", "version")}
    enters_at = None if found.enters_at is None else float(found.enters_at)
    return shown | {"flag": name, "asked": unit, "why": found.why.value, "enters_at": enters_at}
