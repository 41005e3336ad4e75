"""Proves an erasure: what was erased where, what a search found afterwards, and why that is left."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from memory import caching
from memory.models import DIMENSIONS, Erasure, Memory, State
from memory.providers.standby import Standby
from memory.remember.erasure.search import NAMED, Place, places, rows_of
from memory.remember.erasure.sought import Sought

VECTORS: Final = "Processes keep vectors, which hold no words, under the hash of a text for an hour at most."


@dataclass(frozen=True, slots=True)
class Erased:
    """What one act erased: of whom, which memories, in what words, how many rows by place."""

    workspace_id: uuid.UUID
    user_id: str
    ids: Sequence[uuid.UUID]
    what: Sought
    models: Sequence[str]  # that vectors of it were made by
    messages: Sequence[uuid.UUID]
    counts: Mapping[str, int]


def opened(erased: Erased, *, actor: str, reason: str) -> list[Erasure]:
    """The rows of the act itself, one per memory, written in its transaction: the search afterwards completes them."""
    report = {"erased": dict(erased.counts), "searched_at": None}
    kept = "" if erased.what.is_in(reason) else reason
    return Erasure.objects.bulk_create(
        Erasure(
            workspace_id=erased.workspace_id,
            user_id=erased.user_id,
            memory_id=id,
            actor=actor,
            reason=kept,
            report=report,
        )
        for id in erased.ids
    )


def report(erased: Erased, rows: Sequence[Erasure], *, now: datetime) -> dict[str, Any]:
    """Drop what caches hold, look for the text everywhere, and write down what was found. Call it after the commit."""
    caches = _caches(erased)
    found = [*places(erased.workspace_id, erased.user_id, erased.ids, erased.what), caches]
    told = {
        "searched_at": now.isoformat(),
        "wordings": len(erased.what.texts),
        "by": "wording and words" if erased.what.query else "wording",
        "left": sum(place.left for place in found),
        "places": [{"erased": erased.counts.get(place.place, 0)} | asdict(place) for place in found],
        "also": also(erased.workspace_id, erased.user_id, erased.ids, _named(found, "memories")),
        "messages": [str(id) for id in erased.messages],
    }
    for row in rows:
        row.report = told
    Erasure.objects.bulk_update(rows, ["report"])
    return told


def report_user(
    workspace_id: uuid.UUID, user_id: str, counts: Mapping[str, int], *, actor: str, reason: str, now: datetime
) -> Erasure:
    """The proof that a user was erased: of each table how many rows went, and how many are left."""
    found = rows_of(workspace_id, user_id)
    told = {
        "searched_at": now.isoformat(),
        "left": sum(place.left for place in found),
        "places": [{"erased": counts.get(place.place, 0)} | asdict(place) for place in found],
    }
    return Erasure.objects.create(
        workspace_id=workspace_id, user_id=user_id, memory_id=None, actor=actor, reason=reason, report=told
    )


def also(
    workspace_id: uuid.UUID, user_id: str, ids: Sequence[uuid.UUID], same_words: Sequence[str] = ()
) -> list[dict[str, str]]:
    """Memories that may say it, too, with what they are to it: they are offered, and never erased silently."""
    mine = Memory.objects.of(workspace_id, user_id).exclude(state=State.FORGOTTEN).exclude(pk__in=ids)
    instead = Memory.objects.filter(pk__in=ids).values_list("replaced_by_id", flat=True)
    into = [id for id in instead if id is not None]
    known = {id: "merged into it" for id in merged_into(ids)}
    known |= dict.fromkeys(mine.filter(pk__in=into).values_list("pk", flat=True), "took its place")
    old = mine.filter(replaced_by__in=ids, state=State.SUPERSEDED).values_list("pk", flat=True)
    known |= dict.fromkeys(old, "was superseded by it")
    for id in mine.filter(pk__in=list(same_words)).values_list("pk", flat=True):
        known.setdefault(id, "has its words")
    states = dict(mine.filter(pk__in=known).values_list("pk", "state"))
    return [{"id": str(id), "state": states[id], "why": why} for id, why in known.items() if id in states][:NAMED]


def merged_into(ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """The memories that were merged into these, and into those."""
    found: dict[uuid.UUID, None] = {}
    ring = list(ids)
    while ring:
        merged = Memory.objects.filter(replaced_by__in=ring, state=State.MERGED).values_list("pk", flat=True)
        ring = [id for id in merged if id not in found and id not in ids]
        found |= dict.fromkeys(ring)
    return list(found)


def models_of(workspace_id: uuid.UUID, user_id: str, providers: Standby | None) -> list[str]:
    """The embedding models that may have seen a user's texts."""
    mine = Memory.objects.of(workspace_id, user_id).order_by().values_list("embedding_model", flat=True).distinct()
    today = [providers.first.embedder.model] if providers is not None else []
    return [model for model in dict.fromkeys([*mine, *today]) if model]


def _caches(erased: Erased) -> Place:
    caching.forget_user(erased.workspace_id, erased.user_id)
    caching.forget_embeddings(erased.what.texts, models=erased.models, dimensions=DIMENSIONS)
    held = caching.forget_texts(str(erased.workspace_id), erased.what.texts)
    return Place("caches", 0, " ".join(filter(None, [held.problem, VECTORS])))


def _named(found: Sequence[Place], name: str) -> list[str]:
    return next((one.ids for one in found if one.place == name), [])
