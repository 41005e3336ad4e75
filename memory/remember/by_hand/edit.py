"""Changes one memory by hand: another text or other fields, or back among the active ones."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from memory.dedupe.normalise import text_hash
from memory.errors import ConflictError
from memory.models import Cause, Memory, Outcome, State
from memory.providers.standby import Standby
from memory.remember.by_hand import changing, deciding

FIELDS: Final = frozenset({"kind", "importance", "pinned", "metadata", "expires_at"})


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

    Raises NotFoundError; InvalidError for an empty text; GoneError for a forgotten memory; ConflictError when the user
    has another active memory with this text.
    """
    if unknown := fields.keys() - FIELDS:
        raise TypeError(f"These fields of a memory are not edited: {', '.join(sorted(unknown))}")
    text = None if text is None else changing.meant(text)
    embedded = None if text is None else providers.embed([text])
    with transaction.atomic():
        memory = changing.locked(workspace_id, memory_id)
        changing.refuse_forgotten([memory], "edited")
        before = changing.told(memory)
        if text is not None and embedded is not None and text != memory.text:
            if memory.state == State.ACTIVE:
                changing.refuse_twin(memory, text_hash(text))
            changing.set_text(memory, text, embedded)
            changing.revise(memory, Cause.EDITED, actor=actor, reason=reason)
        for name, value in fields.items():
            setattr(memory, name, value)
        memory.save()
        changing.tell(memory, "edit", before, actor=actor, reason=reason, now=now)
        changing.drop_contexts(memory)
    return memory


def restore(*, workspace_id: uuid.UUID, memory_id: uuid.UUID, actor: str, now: datetime, reason: str = "") -> Memory:
    """Make a merged or superseded memory active again, beside the one that had taken its place.

    Raises NotFoundError; GoneError for a forgotten memory; ConflictError for an active one, and when another active
    memory says the same.
    """
    with transaction.atomic():
        memory = changing.locked(workspace_id, memory_id)
        changing.refuse_forgotten([memory], "restored")
        if memory.state == State.ACTIVE:
            raise ConflictError(f"Memory {memory.pk} is active already: there is nothing to restore.")
        changing.refuse_twin(memory, memory.text_hash)
        before, was, instead = changing.told(memory), deciding.side(memory), memory.replaced_by
        memory.state, memory.replaced_by, memory.valid_to = State.ACTIVE, None, None
        changing.revise(memory, Cause.RESTORED, actor=actor, reason=reason)
        memory.save()
        trace = [deciding.traced(memory, instead, "kept_apart")] if instead is not None else []
        deciding.decided(
            Outcome.RESTORED,
            memory,
            instead,
            actor=actor,
            reason=reason,
            effects=[deciding.effect(memory, was)],
            trace=trace,
        )
        changing.tell(memory, "restore", before, actor=actor, reason=reason, now=now)
        changing.drop_contexts(memory)
    return memory
