"""Splits a memory that says several things into one for each."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from memory.dedupe.normalise import text_hash
from memory.errors import InvalidError
from memory.models import Cause, Memory, Outcome, Revision, State
from memory.providers.base import Embedded
from memory.providers.standby import Standby
from memory.remember.by_hand import changing, deciding

LEAST, MOST = 2, 8
KEPT: Final = (
    *("workspace_id", "user_id", "agent_id", "app_id", "run_id", "kind", "valid_from", "expires_at", "importance"),
    *("pinned", "metadata", "source_id", "in_large_scope"),
)


def split(
    *,
    workspace_id: uuid.UUID,
    memory_id: uuid.UUID,
    texts: Sequence[str],
    providers: Standby,
    actor: str,
    now: datetime,
    reason: str = "",
) -> list[Memory]:
    """Put 2 to 8 new memories in the place of one, with its kind, dates and source; it stays, superseded by the first.

    Raises NotFoundError; InvalidError for the wrong number of texts, an empty one, or two that say the same; GoneError
    for a forgotten memory; ConflictError for one that is not active, or when another memory has one of the texts.
    """
    meant = _meant(texts)
    embedded = providers.embed(meant)
    with transaction.atomic():
        memory = changing.locked(workspace_id, memory_id)
        changing.refuse_inactive([memory], "split")
        for text in meant:
            changing.refuse_twin(memory, text_hash(text))
        before, was = changing.told(memory), deciding.side(memory)
        memory.state, memory.valid_to = State.SUPERSEDED, now
        changing.revise(memory, Cause.SPLIT, actor=actor, reason=reason)
        memory.save()  # first: a part may have the very words of the whole
        parts = [_part(memory, text, embedded, place, actor, reason) for place, text in enumerate(meant)]
        memory.replaced_by = parts[0]
        memory.save(update_fields=["replaced_by", "updated_at"])
        trace = [deciding.traced(memory, part, "added") for part in parts]
        effects = [deciding.effect(memory, was)]
        decision = deciding.decided(
            Outcome.SPLIT, parts[0], memory, actor=actor, reason=reason, effects=effects, trace=trace
        )
        more = {"parts": [str(part.pk) for part in parts], "decision": str(decision.pk)}
        changing.tell(memory, "split", before, actor=actor, reason=reason, now=now, **more)
        changing.drop_contexts(memory)
    return parts


def _meant(texts: Sequence[str]) -> list[str]:
    if not LEAST <= len(texts) <= MOST:
        raise InvalidError(("texts", f"must be {LEAST} to {MOST} texts, got {len(texts)}"))
    kept = [changing.meant(text, f"texts.{place}") for place, text in enumerate(texts)]
    seen: dict[str, int] = {}
    for place, text in enumerate(kept):
        first = seen.setdefault(text_hash(text), place)
        if first != place:
            raise InvalidError((f"texts.{place}", f"says the same as texts.{first}"))
    return kept


def _part(memory: Memory, text: str, embedded: Embedded, place: int, actor: str, reason: str) -> Memory:
    vector = embedded.rows[place]
    part = Memory.objects.create(
        **{name: getattr(memory, name) for name in KEPT},
        text=text,
        text_hash=text_hash(text),
        embedding=vector if vector.any() else None,
        embedding_model=embedded.model,
    )
    Revision.objects.create(memory=part, number=1, text=text, cause=Cause.SPLIT, actor=actor, reason=reason)
    return part
