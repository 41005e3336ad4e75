"""Memories: add, list, search, read, change, forget."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any
from uuid import UUID

import orjson
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Status

from memory import access, catalogue, search
from memory.api.auth import caller
from memory.api.pages import Cursor, Limit, newest_first
from memory.api.schemas import (
    FiltersIn,
    Hits,
    MemoryChange,
    MemoryIn,
    MemoryOut,
    Page,
    RevisionOut,
    SearchIn,
    Submitted,
)
from memory.dedupe.candidates import Owner, Vectors
from memory.jobs.delivery import hints
from memory.jobs.kinds import PROCESS_TEXT
from memory.jobs.submit import submit
from memory.models import Cause, Memory, Revision, Scope, State
from memory.providers import configured
from memory.remember import Statement, edit, forget, remember
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
        return Status(202, {"job_id": _submit(who, body), "reasons": _off(who, body.user_id)})
    owner = Owner(who.workspace_id, body.user_id, body.agent_id, body.app_id, body.run_id)
    statement = Statement(
        text=body.text,
        kind=body.kind or "other",
        importance=VERBATIM_IMPORTANCE,
        cause=Cause.ADDED,
        actor=who.key,
        valid_from=timezone.now(),
        metadata=body.metadata,
    )
    tools = tools_from_settings()
    embedded = tools.providers.embed([body.text])
    vectors = Vectors(embedded.rows, embedded.model)
    kept = remember(owner=owner, statements=[statement], vectors=vectors, near_certain=tools.near_certain)
    return Status(201, access.find(Memory, who, kept[0].memory_id))


@router.get("", response=Page[MemoryOut], url_name="memories")
def list_memories(
    request: HttpRequest,
    limit: Limit,
    cursor: Cursor,
    user_id: Annotated[str | None, Query(None)] = None,
    state: Annotated[State | None, Query(None, description="All states when left out.")] = None,
) -> dict[str, Any]:
    """Memories, newest first."""
    rows = access.rows(Memory, caller(request))
    wanted = {"user_id": user_id, "state": state}
    rows = rows.filter(**{name: value for name, value in wanted.items() if value is not None})
    return newest_first(rows.defer("embedding", "search"), cursor=cursor, limit=limit)


@router.post("/search", response=Hits, exclude_none=False, url_name="search_memories")
def search_memories(request: HttpRequest, body: SearchIn) -> dict[str, Any]:
    """A user's active memories nearest to a query by meaning and by words, best first; scores are 0 to 1."""
    who = caller(request)
    embedded = configured.standby().embed([body.query])
    hits = search.search(
        workspace_id=who.workspace_id,
        user_id=body.user_id,
        query=body.query,
        embedded=embedded,
        now=timezone.now(),
        limit=body.limit,
        filters=_filters(body.filters or FiltersIn()),
    )
    reasons = [embedded.reason] if embedded.reason else []
    return {
        "items": [_hit(hit, body.user_id, body.explain) for hit in hits],
        "degraded": bool(reasons),
        "reasons": reasons + _off(who, body.user_id),
    }


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
def forget_memory(request: HttpRequest, id: UUID, reason: Annotated[str, Query("", max_length=500)] = "") -> Memory:
    """Forget a memory: its text is erased everywhere, and only the fact that it happened is kept."""
    who = caller(request, Scope.WRITE)
    return forget(workspace_id=who.workspace_id, memory_id=id, actor=who.key, now=timezone.now(), reason=reason)


@router.get("/{id}/history", response=Page[RevisionOut], url_name="memory_history")
def memory_history(request: HttpRequest, id: UUID, limit: Limit, cursor: Cursor) -> dict[str, Any]:
    """Every text that a memory had, newest first, with who gave it and why."""
    memory = access.find(Memory, caller(request), id)
    return newest_first(Revision.objects.filter(memory=memory), cursor=cursor, limit=limit)


def _submit(who: access.Caller, body: MemoryIn) -> UUID:
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


def _filters(filters: FiltersIn) -> search.Filters:
    metadata = orjson.dumps(filters.metadata).decode() if filters.metadata else None
    kinds = [kind.value for kind in filters.kind] if filters.kind else None
    return search.Filters(kinds=kinds, agent_id=filters.agent_id, metadata=metadata)


def _hit(hit: search.Hit, user_id: str, explain: bool) -> dict[str, Any]:
    names = ("id", "text", "kind", "score", "agent_id", "app_id", "run_id", "metadata", "importance", "pinned")
    shown = {name: getattr(hit, name) for name in (*names, "valid_from", "created_at", "updated_at")}
    why = {name: getattr(hit.why, name) for name in ("vector_rank", "similarity", "text_rank")}
    return shown | {"user_id": user_id, "explain": why if explain else None}
