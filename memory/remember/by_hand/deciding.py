"""Decisions by people: what was compared, what changed and how it was before, as undo needs it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np

from memory import tuning
from memory.dedupe.relate import Comparison, relate
from memory.models import DecidedBy, Decision, Memory, Outcome

BASE: Final = ("state", "replaced_by", "valid_to", "version")
CARRIED: Final = ("pinned", "importance", "expires_at")  # what a merge hands over beside the text

Side = dict[str, Any]


def side(memory: Memory, *more: str) -> Side:
    """One side of an effect: what a decision may change, as JSON and without any text."""
    shown: Side = {
        "state": str(memory.state),
        "replaced_by": None if memory.replaced_by_id is None else str(memory.replaced_by_id),
        "valid_to": _time(memory.valid_to),
        "version": memory.version,
    }
    plain = {name: getattr(memory, name) for name in more}
    return shown | {name: _time(value) if name == "expires_at" else value for name, value in plain.items()}


def effect(memory: Memory, before: Side) -> dict[str, Any]:
    """What became of a memory that was there before the decision."""
    more = [name for name in CARRIED if name in before]
    return {"id": str(memory.pk), "before": before, "after": side(memory, *more)}


def compare(a: Memory, b: Memory) -> Comparison:
    """How two memories relate under their workspace's settings."""
    return relate(a.text, b.text, similarity=similarity(a, b), terms=tuning.current(a.workspace_id).dedupe)


def similarity(a: Memory, b: Memory) -> float:
    """The cosine of their vectors, 0 where they can't be compared."""
    if a.embedding is None or b.embedding is None or a.embedding_model != b.embedding_model:
        return 0.0
    left, right = (np.asarray(_row(memory.embedding), dtype=np.float32) for memory in (a, b))
    length = float(np.linalg.norm(left) * np.linalg.norm(right))
    return float(left @ right) / length if length else 0.0


def traced(memory: Memory, other: Memory, outcome: str) -> dict[str, Any]:
    """A line of a trace: what `other` is to `memory`, with the guards and their evidence."""
    found = compare(memory, other)
    return {
        "id": str(other.pk),
        "similarity": round(similarity(memory, other), 4),
        "score": round(found.score, 4),
        "relation": str(found.relation),
        "guards": [{"guard": one.guard, "a": list(one.a), "b": list(one.b)} for one in found.guards],
        "outcome": outcome,
    }


def decided(
    outcome: Outcome,
    memory: Memory,
    other: Memory | None,
    *,
    actor: str,
    reason: str,
    effects: Sequence[dict[str, Any]] = (),
    trace: Sequence[dict[str, Any]] = (),
) -> Decision:
    """Write the decision of a person."""
    return Decision.objects.create(
        workspace_id=memory.workspace_id,
        user_id=memory.user_id,
        outcome=outcome,
        by=DecidedBy.PERSON,
        actor=actor,
        reason=reason,
        memory=memory,
        other=other,
        text=memory.text,
        trace=list(trace),
        thresholds=tuning.current(memory.workspace_id).dedupe.model_dump(mode="json"),
        model=memory.embedding_model,
        effects=list(effects),
    )


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _row(embedding: Any) -> Any:
    return embedding.to_numpy() if hasattr(embedding, "to_numpy") else embedding
