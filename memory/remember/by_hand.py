"""Changes one memory by hand: every change is a revision with who and why, and forgetting erases the text."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction

from memory import caching
from memory.dedupe.normalise import text_hash
from memory.errors import ConflictError, GoneError, NotFoundError
from memory.jobs.locks import lock_writes
from memory.models import Cause, Decision, Memory, Revision, State
from memory.providers.standby import Standby
from monitoring import audit

TOLD = ("state", "kind", "importance", "pinned", "expires_at")
FIELDS = frozenset({"kind", "importance", "pinned", "metadata", "expires_at"})


def edit(
    *,
    workspace_id: uuid.UUID,
    memory_id: uuid.UUID,
    providers: Standby,
    actor: str,
    now: datetime,
    text: str | None = None,
    reason: str = "",
    **fields: Any,
) -> Memory:
    """Change a memory's text (a new revision, embedded again) or other fields of it.

    Raises NotFoundError; GoneError for a forgotten memory; ConflictError when the user has another active
    memory with this text.
    """
    if unknown := fields.keys() - FIELDS:
        raise TypeError(f"These fields of a memory are not edited: {', '.join(sorted(unknown))}")
    embedded = providers.embed([text]) if text is not None else None
    with transaction.atomic():
        memory = _locked(workspace_id, memory_id)
        if memory.state == State.FORGOTTEN:
            raise GoneError("This memory was forgotten: its text is erased and can't be edited.")
        before = _told(memory)
        if text is not None and embedded is not None and text != memory.text:
            _refuse_duplicate(memory, text)
            memory.text, memory.text_hash = text, text_hash(text)
            vector = embedded.rows[0]
            memory.embedding, memory.embedding_model = (vector if vector.any() else None), embedded.model
            _revise(memory, Cause.EDITED, actor, reason)
        for name, value in fields.items():
            setattr(memory, name, value)
        memory.save()
        _tell(memory, "edit", before, actor=actor, reason=reason, now=now)
        transaction.on_commit(lambda: caching.forget_context(memory.workspace_id, memory.user_id, conversations=False))
    return memory


def forget(*, workspace_id: uuid.UUID, memory_id: uuid.UUID, actor: str, now: datetime, reason: str = "") -> Memory:
    """Erase a memory's text from the row, its revisions and decisions; the fact that it was there stays.

    Forgetting twice changes nothing. Raises NotFoundError.
    """
    with transaction.atomic():
        memory = _locked(workspace_id, memory_id)
        if memory.state == State.FORGOTTEN:
            return memory
        before = _told(memory)
        memory.text, memory.text_hash, memory.metadata = "", f"forgotten:{memory.pk.hex}", {}
        memory.embedding, memory.state, memory.valid_to, memory.pinned = None, State.FORGOTTEN, now, False
        memory.revisions.update(text="")
        Decision.objects.filter(memory=memory).update(text="", trace=[])
        _revise(memory, Cause.FORGOTTEN, actor, reason)
        memory.save()
        _tell(memory, "forget", before, actor=actor, reason=reason, now=now)
        transaction.on_commit(lambda: caching.forget_context(memory.workspace_id, memory.user_id, conversations=False))
    return memory


def _locked(workspace_id: uuid.UUID, memory_id: uuid.UUID) -> Memory:
    """The memory, under its user's lock: edits and decisions about one user wait for each other."""
    mine = Memory.objects.filter(pk=memory_id, workspace_id=workspace_id)
    user_id = mine.values_list("user_id", flat=True).first()
    if user_id is None:
        raise NotFoundError(f"No memory {memory_id} in this workspace.")
    lock_writes(workspace_id, user_id)
    return mine.select_for_update().get()


def _refuse_duplicate(memory: Memory, text: str) -> None:
    scope = {name: getattr(memory, name) for name in ("workspace_id", "user_id", "agent_id", "app_id", "run_id")}
    same = Memory.objects.active().filter(**scope, text_hash=text_hash(text)).exclude(pk=memory.pk).first()
    if same is not None and memory.state == State.ACTIVE:
        raise ConflictError(f"Memory {same.pk} of this user says the same already.")


def _told(memory: Memory) -> dict[str, Any]:
    """What the audit log may know of a memory: it outlives the text, so of that only the number of the revision."""
    return {name: getattr(memory, name) for name in TOLD} | {"revision": memory.version}


def _tell(memory: Memory, verb: str, before: dict[str, Any], *, actor: str, reason: str, now: datetime) -> None:
    """Nobody is known where the system edits."""
    if actor:
        audit.record(
            actor=actor,
            action=f"memory.{verb}",
            subject=str(memory.pk),
            before=before,
            after=_told(memory),
            reason=reason,
            at=now,
        )


def _revise(memory: Memory, cause: Cause, actor: str, reason: str) -> None:
    memory.version += 1
    Revision.objects.create(
        memory=memory, number=memory.version, text=memory.text, cause=cause, actor=actor, reason=reason
    )
