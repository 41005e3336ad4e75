"""Memories: add, list, search, read, change, forget."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Status

from memory import access, catalogue
from memory.api.auth import caller
from memory.api.pages import Cursor, Limit, newest_first
from memory.api.schemas import (
    MemoryChange,
    MemoryIn,
    MemoryOut,
    Page,
    RevisionOut,
    Submitted,
)
from memory.api.schemas.searching import ABOUT_FILTERS
from memory.dedupe.stored.candidates import Owner, Vectors
from memory.errors import InvalidError
from memory.jobs.delivery import hints
from memory.jobs.kinds import PROCESS_TEXT
from memory.jobs.submit import submit
from memory.models import Cause, Memory, Revision, Scope, State
from memory.providers import configured
from memory.remember import Statement, edit, forget, remember
from memory.remember.erasure import merged_into
from memory.search.filters import from_json, narrowed
from memory.tasks import tools_from_settings

router = Router(tags=["memories"])

VERBATIM_IMPORTANCE = 0.5


@router.post("", response={201: MemoryOut, 202: Submitted}, url_name="memories")
def add_memory(request: HttpRequest, body: MemoryIn) -> Status[Any]:
    """Add a memory. With `infer` the text is read for facts by a job (202); without, it is kept as it is (201).

    A text that the user's memories say already is answered with the one that says it.
    """
    who = caller(request, Scope.WRITE)
    if body.infer:
        return Status(202, {"job_id": have_read(who, body), "reasons": _off(who, body.user_id)})
    owner = Owner(who.workspace_id, body.user_id, body.agent_id, body.app_id, body.run_id)
    statement = verbatim(who, body)
    tools = tools_from_settings()
    embedded = tools.providers.embed([body.text])
    vectors = Vectors(embedded.rows, embedded.model)
    kept = remember(owner=owner, statements=[statement], vectors=vectors, terms=tools.terms)
    return Status(201, access.find(Memory, who, kept[0].memory_id))


@router.get("", response=Page[MemoryOut], url_name="memories")
def list_memories(
    request: HttpRequest,
    limit: Limit,
    cursor: Cursor,
    user_id: Annotated[str | None, Query(None)] = None,
    state: Annotated[State | None, Query(None, description="All states when left out.")] = None,
    filters: Annotated[
        str | None, Query(None, max_length=8000, description="A JSON object, as for search: " + ABOUT_FILTERS)
    ] = None,
) -> dict[str, Any]:
    """Memories, newest first."""
    rows = access.rows(Memory, caller(request))
    wanted = {"user_id": user_id, "state": state}
    rows = rows.filter(**{name: value for name, value in wanted.items() if value is not None})
    if filters is not None:
        rows = narrowed(rows, from_json(filters))
    return newest_first(rows.defer("embedding", "search"), cursor=cursor, limit=limit)


@router.get("/{id}", response=MemoryOut, url_name="memory")
def get_memory(request: HttpRequest, id: UUID) -> Memory:
    """One memory, in whatever state. A forgotten one has no text."""
    return access.find(Memory, caller(request), id)


@router.patch("/{id}", response=MemoryOut, url_name="memory")
def update_memory(request: HttpRequest, id: UUID, body: MemoryChange) -> Memory:
    """Change a memory. A new text is a new revision and is embedded again."""
    who = caller(request, Scope.WRITE)
    changes = body.dict(exclude_unset=True)
    # null means "leave it", except for the expiry, which it clears
    changes = {name: value for name, value in changes.items() if value is not None or name == "expires_at"}
    return edit(
        workspace_id=who.workspace_id,
        memory_id=id,
        providers=configured.standby(),
        actor=who.key,
        now=timezone.now(),
        **changes,
    )


@router.delete("/{id}", response=MemoryOut, url_name="memory")
def forget_memory(
    request: HttpRequest,
    id: UUID,
    reason: Annotated[str, Query("", max_length=500)] = "",
    messages: Annotated[
        bool, Query(False, description="Erase what was said, too: the messages it comes from.")
    ] = False,
    also: Annotated[
        list[str] | None,
        Query(
            None, max_length=99, description="Ids of memories that say the same, or `merged` for those merged into it."
        ),
    ] = None,
) -> Memory:
    """Forget a memory: its text is erased everywhere, and only the fact that it happened is kept.

    `GET /memories/{id}/erasure` proves it, and names what is left: the message that said it, memories that say it, too.
    """
    who = caller(request, Scope.WRITE)
    access.find(Memory, who, id)
    return forget(
        workspace_id=who.workspace_id,
        memory_id=id,
        actor=who.key,
        now=timezone.now(),
        reason=reason,
        messages=messages,
        also=_also(id, also or []),
        providers=configured.standby(),
    )


@router.get("/{id}/history", response=Page[RevisionOut], url_name="memory_history")
def memory_history(request: HttpRequest, id: UUID, limit: Limit, cursor: Cursor) -> dict[str, Any]:
    """Every text that a memory had, newest first, with who gave it and why."""
    memory = access.find(Memory, caller(request), id)
    return newest_first(Revision.objects.filter(memory=memory), cursor=cursor, limit=limit)


def _also(id: UUID, named: Sequence[str]) -> list[UUID]:
    """The memories that go with it: `merged` stands for those that were merged into it."""
    found: list[UUID] = []
    for place, name in enumerate(named):
        try:
            found += merged_into([id]) if name == "merged" else [UUID(name)]
        except ValueError:
            raise InvalidError((f"also.{place}", f"must be `merged` or a memory's id, got {name!r}")) from None
    return found


def verbatim(who: access.Caller, body: MemoryIn) -> Statement:
    """The fact as it was sent."""
    return Statement(
        text=body.text,
        kind=body.kind or "other",
        importance=VERBATIM_IMPORTANCE,
        cause=Cause.ADDED,
        actor=who.key,
        valid_from=timezone.now(),
        metadata=body.metadata,
    )


def have_read(who: access.Caller, body: MemoryIn) -> UUID:
    """Have the text read for facts; the job."""
    scope = {"agent_id": body.agent_id, "app_id": body.app_id, "run_id": body.run_id}
    payload = {"text": body.text, "scope": scope, "metadata": body.metadata}
    job = submit(
        kind=PROCESS_TEXT,
        workspace_id=who.workspace_id,
        user_id=body.user_id,
        payload=payload,
        now=timezone.now(),
    )
    transaction.on_commit(partial(hints.wake, job.priority))
    return job.pk


def _off(who: access.Caller, user_id: str) -> list[str]:
    """Why nothing is remembered of what this user says, where that is so."""
    return [] if catalogue.remembers(who.workspace_id, user_id) else [catalogue.NOTHING_REMEMBERED]
