"""What people do with memories: merge, split, restore, keep apart; why each is as it is, and proof that it is gone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from memory import access, remember
from memory.api.auth import caller
from memory.api.pages import Cursor, Limit, newest_first
from memory.api.schemas import ErasureOut, KeepApartIn, MemoryDecisionOut, MemoryOut, MergeIn, Page, ReasonIn, SplitIn
from memory.errors import NotFoundError
from memory.models import Decision, Erasure, Memory, Scope, State
from memory.providers import configured
from memory.remember.erasure import decisions_about

router = Router(tags=["memories"])


@router.post("/merge", response=MemoryOut, url_name="merge_memories")
def merge_memories(request: HttpRequest, body: MergeIn) -> Memory:
    """Merge 2 to 50 active memories of one user into one of them, which is the answer.

    The others become `merged`, and point to it; all keep their sources. Memories of two users are refused with 422.
    """
    who = caller(request, Scope.WRITE)
    return remember.merge(
        workspace_id=who.workspace_id,
        memory_ids=body.memory_ids,
        into=body.into,
        text=body.text,
        providers=configured.standby(),
        actor=who.key,
        reason=body.reason,
        now=timezone.now(),
    )


@router.post("/keep-apart", response=list[MemoryDecisionOut], url_name="keep_memories_apart")
def keep_memories_apart(request: HttpRequest, body: KeepApartIn) -> list[Decision]:
    """Say of 2 to 20 active memories of one user that each is a fact of its own: they are never merged unasked."""
    who = caller(request, Scope.WRITE)
    return remember.keep_apart(
        workspace_id=who.workspace_id,
        memory_ids=body.memory_ids,
        actor=who.key,
        reason=body.reason,
        now=timezone.now(),
    )


@router.post("/{id}/split", response=list[MemoryOut], url_name="split_memory")
def split_memory(request: HttpRequest, id: UUID, body: SplitIn) -> list[Memory]:
    """Put 2 to 8 new memories, the answer, in the place of one, which is superseded by the first of them."""
    who = caller(request, Scope.WRITE)
    return remember.split(
        workspace_id=who.workspace_id,
        memory_id=id,
        texts=body.texts,
        providers=configured.standby(),
        actor=who.key,
        reason=body.reason,
        now=timezone.now(),
    )


@router.post("/{id}/restore", response=MemoryOut, url_name="restore_memory")
def restore_memory(request: HttpRequest, id: UUID, body: ReasonIn | None = None) -> Memory:
    """Make a merged or superseded memory active again. A forgotten one answers 410: its text is gone."""
    who = caller(request, Scope.WRITE)
    reason = body.reason if body is not None else ""
    return remember.restore(
        workspace_id=who.workspace_id, memory_id=id, actor=who.key, reason=reason, now=timezone.now()
    )


@router.get("/{id}/decisions", response=Page[MemoryDecisionOut], url_name="memory_decisions")
def memory_decisions(request: HttpRequest, id: UUID, limit: Limit, cursor: Cursor) -> dict[str, Any]:
    """Why a memory is as it is: the decisions that it holds the fact of, or that it gave way, was weighed or changed
    in, newest first."""
    who = caller(request)
    memory = access.find(Memory, who, id)
    about = decisions_about(memory.workspace_id, memory.user_id, [memory.pk])
    return newest_first(Decision.objects.filter(about), cursor=cursor, limit=limit)


@router.get("/{id}/erasure", response=ErasureOut, url_name="memory_erasure")
def memory_erasure(request: HttpRequest, id: UUID) -> dict[str, Any]:
    """The proof that a forgotten memory is gone: what was erased where, and what is left and why. It has no texts."""
    memory = access.find(Memory, caller(request), id)
    proof = Erasure.objects.filter(workspace_id=memory.workspace_id, memory_id=id).order_by("-pk").first()
    if proof is None:
        state = "was forgotten before erasures were proved" if memory.state == State.FORGOTTEN else f"is {memory.state}"
        raise NotFoundError(f"There is no erasure of memory {id}: it {state}.")
    names = ("id", "memory_id", "user_id", "actor", "reason", "created_at")
    found = {name: proof.report.get(name) for name in ("searched_at", "left")}
    lists = {name: proof.report.get(name, []) for name in ("places", "also", "messages")}
    return {name: getattr(proof, name) for name in names} | found | lists
