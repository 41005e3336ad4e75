"""Decides about facts against what is stored, and writes memory, revision and decision."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from memory import caching
from memory.dedupe.candidates import Owner, Vectors, candidates
from memory.dedupe.decide import Candidate, Outcome, Verdict, Weighed, decide
from memory.dedupe.normalise import text_hash
from memory.jobs.locks import lock_writes
from memory.models import Cause, Decision, Memory, Revision, State


@dataclass(frozen=True, slots=True)
class Statement:
    """A fact on its way in, with where it was said."""

    text: str
    kind: str
    importance: float
    cause: Cause
    actor: str
    valid_from: datetime | None = None
    message_id: uuid.UUID | None = None
    ordinal: int = 0
    span: tuple[int, int] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Remembered:
    """The memory that holds the fact now, and whether it was added or known."""

    memory_id: uuid.UUID
    outcome: Outcome


def remember(
    *, owner: Owner, statements: Sequence[Statement], vectors: Vectors, near_certain: float
) -> list[Remembered]:
    """Add each statement to the owner's memories, or find it known. One answer per statement, in order.

    All of it in one transaction, under the user's lock, so that two workers can't add the same fact.
    """
    if not statements:
        return []
    with transaction.atomic():
        lock_writes(owner.workspace_id, owner.user_id)
        written = _decide_and_write(owner, statements, vectors, near_certain)
        transaction.on_commit(lambda: caching.forget_context(owner.workspace_id, owner.user_id))
    return written


def _decide_and_write(
    owner: Owner, statements: Sequence[Statement], vectors: Vectors, near_certain: float
) -> list[Remembered]:
    known = candidates(owner, [statement.text for statement in statements], vectors)
    rows: tuple[list[Memory], list[Revision], list[Decision]] = ([], [], [])
    written = []
    for number, (statement, vector) in enumerate(zip(statements, vectors.rows, strict=True)):
        started = time.perf_counter()
        verdict = decide(statement.text, known[number] + _fresh(rows[0], vector), near_certain=near_certain)
        memory_id = verdict.of
        if memory_id is None:
            memory = _memory(owner, statement, vector, vectors.model)
            memory_id = memory.pk
            rows[0].append(memory)
            rows[1].append(_first_revision(memory, statement.cause, statement.actor))
        took_ms = (time.perf_counter() - started) * 1000
        rows[2].append(_decision(owner, statement, verdict, memory_id, near_certain, vectors.model, took_ms))
        written.append(Remembered(memory_id, verdict.outcome))
    Memory.objects.bulk_create(rows[0])
    Revision.objects.bulk_create(rows[1])
    Decision.objects.bulk_create(rows[2])
    return written


def _fresh(added: list[Memory], vector: NDArray[np.float32]) -> list[Candidate]:
    """What this very batch has added already, as candidates."""
    return [
        Candidate(
            row.pk, row.text, row.text_hash, float(np.dot(row.embedding, vector)) if row.embedding is not None else 0.0
        )
        for row in added
    ]


def _memory(owner: Owner, statement: Statement, vector: NDArray[np.float32], model: str) -> Memory:
    return Memory(
        **owner.fields(),
        text=statement.text,
        text_hash=text_hash(statement.text),
        kind=statement.kind,
        state=State.ACTIVE,
        valid_from=statement.valid_from,
        importance=statement.importance,
        metadata=statement.metadata,
        source_id=statement.message_id,
        embedding=vector if vector.any() else None,
        embedding_model=model,
    )


def _first_revision(memory: Memory, cause: Cause, actor: str) -> Revision:
    return Revision(memory=memory, number=1, text=memory.text, cause=cause, actor=actor)


def _decision(
    owner: Owner,
    statement: Statement,
    verdict: Verdict,
    memory_id: uuid.UUID,
    near_certain: float,
    model: str,
    took_ms: float,
) -> Decision:
    return Decision(
        workspace_id=owner.workspace_id,
        user_id=owner.user_id,
        outcome=verdict.outcome,
        memory_id=memory_id,
        message_id=statement.message_id,
        ordinal=statement.ordinal,
        text=statement.text,
        span=statement.span,
        trace=[_weighed(weighed) for weighed in verdict.trace],
        thresholds={"near_certain": near_certain},
        model=model,
        took_ms=took_ms,
    )


def _weighed(weighed: Weighed) -> dict[str, Any]:
    guards = [{"guard": e.guard, "a": list(e.a), "b": list(e.b)} for e in weighed.guards]
    # the candidate's id, not its text: what is forgotten must not live on in traces
    return {
        "id": str(weighed.id),
        "similarity": round(weighed.similarity, 4),
        "guards": guards,
        "outcome": str(weighed.outcome),
    }
