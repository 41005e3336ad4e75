"""Many memories at once: added, changed and forgotten, each done or refused by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from memory import remember
from memory.access import Caller
from memory.api.auth import caller
from memory.api.memories import have_read, verbatim
from memory.api.schemas import AddIn, BatchIn, BatchOut, ForgetIn, UpdateIn
from memory.dedupe.stored.candidates import Owner, Vectors
from memory.errors import ConflictError, GoneError, HoldfastError, InvalidError, NotFoundError, OverloadedError
from memory.models import Memory, Scope
from memory.providers import configured
from memory.providers.standby import Standby
from memory.tasks import tools_from_settings

router = Router(tags=["memories"])

AT_ONCE: Final = 100  # memories of a user that are forgotten by one act
STATUS: Final[dict[type[HoldfastError], int]] = {
    NotFoundError: 404,
    ConflictError: 409,
    GoneError: 410,
    InvalidError: 422,
    OverloadedError: 503,
}

Answers = dict[int, dict[str, Any]]  # by the place of the item
Items = Sequence[tuple[int, Any]]


@router.post("/batch", response=BatchOut, url_name="batch")
def change_memories(request: HttpRequest, body: BatchIn) -> dict[str, Any]:
    """Add, change and forget up to 1,000 memories. The answer has a status per item, as if it had come alone."""
    who = caller(request, Scope.WRITE)
    of: dict[type, list[tuple[int, Any]]] = defaultdict(list)
    for place, item in enumerate(body.items):
        of[type(item)].append((place, item))
    answers: Answers = {}
    for do, kind in ((_add, AddIn), (_update, UpdateIn), (_forget, ForgetIn)):
        do(who, of[kind], answers)
    return {"items": [answers[place] for place in range(len(body.items))]}


def _add(who: Caller, items: Items, answers: Answers) -> None:
    """Those that are kept as they are by one call of the embedder, and one transaction per owner."""
    owners: dict[Owner, list[tuple[int, AddIn]]] = defaultdict(list)
    for place, item in items:
        if item.infer:
            answers[place] = _tried(partial(_read, who, item))
        else:
            owner = Owner(who.workspace_id, item.user_id, item.agent_id, item.app_id, item.run_id)
            owners[owner].append((place, item))
    tools = tools_from_settings()
    for owner, added in owners.items():
        embedded = tools.providers.embed([item.text for _, item in added])
        kept = remember.remember(
            owner=owner,
            statements=[verbatim(who, item) for _, item in added],
            vectors=Vectors(embedded.rows, embedded.model),
            terms=tools.terms,
        )
        rows = Memory.objects.in_bulk([one.memory_id for one in kept])
        for (place, _), one in zip(added, kept, strict=True):
            answers[place] = {"status": 201, "memory": rows[one.memory_id]}


def _update(who: Caller, items: Items, answers: Answers) -> None:
    providers = configured.standby()
    for place, item in items:
        changes = item.dict(exclude_unset=True, exclude={"op", "id"})
        changes = {name: value for name, value in changes.items() if value is not None or name == "expires_at"}
        answers[place] = _tried(partial(_edit, who, item.id, providers, changes))


def _forget(who: Caller, items: Items, answers: Answers) -> None:
    """Those of one user by one act each, since every act is followed by a search for what is left."""
    users = dict(
        Memory.objects.filter(workspace_id=who.workspace_id, pk__in=[item.id for _, item in items]).values_list(
            "pk", "user_id"
        )
    )
    acts: dict[tuple[str, str, bool], list[tuple[int, UUID]]] = defaultdict(list)
    for place, item in items:
        if item.id in users:
            acts[users[item.id], item.reason, item.messages].append((place, item.id))
        else:
            answers[place] = {"status": 404, "detail": f"No memory {item.id} in this workspace."}
    for (_, reason, messages), named in acts.items():
        for start in range(0, len(named), AT_ONCE):
            part = named[start : start + AT_ONCE]
            ids = [id for _, id in part]
            remember.forget(
                workspace_id=who.workspace_id,
                memory_id=ids[0],
                also=ids[1:],
                messages=messages,
                providers=configured.standby(),
                actor=who.key,
                reason=reason,
                now=timezone.now(),
            )
            rows = Memory.objects.in_bulk(ids)
            answers |= {place: {"status": 200, "memory": rows[id]} for place, id in part}


def _read(who: Caller, item: AddIn) -> dict[str, Any]:
    return {"status": 202, "job_id": have_read(who, item)}


def _edit(who: Caller, id: UUID, providers: Standby, changes: dict[str, Any]) -> dict[str, Any]:
    memory = remember.edit(
        workspace_id=who.workspace_id,
        memory_id=id,
        providers=providers,
        actor=who.key,
        now=timezone.now(),
        **changes,
    )
    return {"status": 200, "memory": memory}


def _tried(act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return act()
    except HoldfastError as refused:
        status = next(code for kind, code in STATUS.items() if isinstance(refused, kind))
        return {"status": status, "detail": str(refused)}
