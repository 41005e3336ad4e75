"""What all acts by hand share: rows under their user's lock, revisions, the audit log, no two that say the same."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from memory import caching
from memory.dedupe.normalise import text_hash
from memory.errors import ConflictError, GoneError, InvalidError, NotFoundError
from memory.jobs.locks import lock_writes
from memory.models import Cause, Memory, Revision, State
from memory.providers.base import Embedded
from monitoring import audit

TEXT_BYTES: Final = 4 * 1024  # of a memory's text in UTF-8
TOLD: Final = ("state", "kind", "importance", "pinned", "expires_at")
SCOPE: Final = ("workspace_id", "user_id", "agent_id", "app_id", "run_id")


def meant(text: str, field: str = "text") -> str:
    """A text as it is kept. Raises InvalidError for one that is empty or too long."""
    kept = text.strip()
    if not kept:
        raise InvalidError((field, "must not be empty; to erase a memory's text, forget the memory"))
    if (size := len(kept.encode())) > TEXT_BYTES:
        raise InvalidError((field, f"must be at most {TEXT_BYTES:,} bytes of UTF-8, got {size:,}"))
    return kept


def locked(workspace_id: uuid.UUID, memory_id: uuid.UUID) -> Memory:
    """The memory, under its user's lock: acts and decisions about one user wait for each other."""
    return locked_all(workspace_id, [memory_id])[0]


def locked_all(workspace_id: uuid.UUID, memory_ids: Sequence[uuid.UUID]) -> list[Memory]:
    """Memories of one user in the order of their ids, under that user's lock.

    Raises NotFoundError, and InvalidError where they belong to several users.
    """
    mine = Memory.objects.filter(workspace_id=workspace_id, pk__in=memory_ids)
    users = dict(mine.values_list("pk", "user_id"))
    for id in memory_ids:
        if id not in users:
            raise NotFoundError(f"No memory {id} in this workspace.")
    if len(set(users.values())) > 1:
        raise InvalidError(
            ("memory_ids", "belong to different users, whose memories are never brought together; choose those of one")
        )
    lock_writes(workspace_id, users[memory_ids[0]])
    rows = {row.pk: row for row in mine.select_for_update().order_by("pk")}
    if len(rows) < len(users):
        raise NotFoundError("One of these memories was deleted meanwhile.")
    return [rows[id] for id in memory_ids]


def refuse_forgotten(memories: Iterable[Memory], what: str) -> None:
    """Raise GoneError for the first whose text is erased."""
    for memory in memories:
        if memory.state == State.FORGOTTEN:
            raise GoneError(f"Memory {memory.pk} was forgotten: its text is erased and can't be {what}.")


def refuse_inactive(memories: Iterable[Memory], what: str) -> None:
    """Raise GoneError for a forgotten one, ConflictError for one that was merged or superseded."""
    for memory in memories:
        refuse_forgotten([memory], what)
        if memory.state != State.ACTIVE:
            raise ConflictError(f"Memory {memory.pk} is {memory.state}: only active ones are {what}. Restore it first.")


def refuse_twin(memory: Memory, digest: str, *, besides: Iterable[uuid.UUID] = ()) -> None:
    """Raise ConflictError when another active memory of the same scope says what has this hash."""
    scope = {name: getattr(memory, name) for name in SCOPE}
    others = Memory.objects.active().filter(**scope, text_hash=digest).exclude(pk__in=[memory.pk, *besides])
    if (twin := others.first()) is not None:
        raise ConflictError(f"Memory {twin.pk} of this user says the same already.")


def set_text(memory: Memory, text: str, embedded: Embedded) -> None:
    """Give the instance a text with its hash and vector."""
    memory.text, memory.text_hash = text, text_hash(text)
    vector = embedded.rows[0]
    memory.embedding, memory.embedding_model = (vector if vector.any() else None), embedded.model


def revise(memory: Memory, cause: Cause, *, actor: str, reason: str, restores: int | None = None) -> None:
    """Count the version up and keep the text that it has; `restores` is the number of the one that is back."""
    memory.version += 1
    Revision.objects.create(
        memory=memory,
        number=memory.version,
        text=memory.text,
        cause=cause,
        actor=actor,
        reason=reason,
        restores=restores,
    )


def told(memory: Memory) -> dict[str, Any]:
    """What the audit log may know of a memory: it outlives the text, so of that only the number of the revision."""
    return {name: getattr(memory, name) for name in TOLD} | {"revision": memory.version}


def tell(
    memory: Memory,
    verb: str,
    before: dict[str, Any],
    *,
    actor: str,
    reason: str,
    now: datetime,
    **more: Any,
) -> None:
    """Write the audit entry. Nobody is known where the system acts: then there is none."""
    if actor:
        audit.record(
            actor=actor,
            action=f"memory.{verb}",
            subject=str(memory.pk),
            before=before,
            after=told(memory) | more,
            reason=reason,
            at=now,
        )


def drop_contexts(memory: Memory) -> None:
    """Have the user's cached contexts dropped when this transaction commits."""
    user = (memory.workspace_id, memory.user_id)
    transaction.on_commit(lambda: caching.forget_context(*user, conversations=False))
