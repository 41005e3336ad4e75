"""Writes what was decided about many facts at once: memories, their first revisions, decisions, each by one COPY."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
import orjson
from django.db import connection
from numpy.typing import NDArray

from memory.dedupe.candidates import Owner, Vectors
from memory.dedupe.decide import Verdict, Weighed
from memory.dedupe.halves import as_bytes
from memory.models import Cause, State
from monitoring.ids import uuid7

# Columns with the types that they are written as: in a binary COPY nothing is converted. jsonb and halfvec are written
# by hand, since psycopg knows no faster way for the one and none for the other.
_UUID, _AT, _TEXT, _INT, _FLOAT, _BYTES = "uuid", "timestamptz", "text", "int4", "float8", "bytea"
_MEMORY: Final = {
    "id": _UUID, "created_at": _AT, "updated_at": _AT, "workspace_id": _UUID, "user_id": _TEXT, "agent_id": _TEXT,
    "app_id": _TEXT, "run_id": _TEXT, "text": _TEXT, "text_hash": _TEXT, "kind": _TEXT, "state": _TEXT,
    "valid_from": _AT, "importance": _FLOAT, "pinned": "bool", "metadata": _BYTES, "embedding": _BYTES,
    "embedding_model": _TEXT, "source_id": _UUID, "version": _INT,
}  # fmt: skip
_REVISION: Final = {
    "id": _UUID, "created_at": _AT, "memory_id": _UUID, "number": _INT, "text": _TEXT, "cause": _TEXT, "actor": _TEXT,
    "reason": _TEXT,
}  # fmt: skip
_DECISION: Final = {
    "id": _UUID, "created_at": _AT, "workspace_id": _UUID, "user_id": _TEXT, "outcome": _TEXT, "memory_id": _UUID,
    "message_id": _UUID, "ordinal": "int2", "text": _TEXT, "span": _BYTES, "trace": _BYTES, "thresholds": _BYTES,
    "model": _TEXT, "took_ms": _FLOAT,
}  # fmt: skip


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
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows on their way into the three tables; nothing is written before `write`."""

    vectors: Vectors
    near_certain: float
    now: datetime
    memories: list[tuple[Any, ...]] = field(default_factory=list)
    revisions: list[tuple[Any, ...]] = field(default_factory=list)
    decisions: list[tuple[Any, ...]] = field(default_factory=list)

    def add(self, owner: Owner, statement: Statement, digest: str, vector: NDArray[np.float32]) -> uuid.UUID:
        """A new active memory, whose text has this hash, with its first revision; its id."""
        id = uuid7()
        halves = as_bytes(vector[None])[0] if vector.any() else None
        self.memories.append(
            (id, self.now, self.now, owner.workspace_id, owner.user_id, owner.agent_id, owner.app_id, owner.run_id,
             statement.text, digest, str(statement.kind), str(State.ACTIVE), statement.valid_from,
             statement.importance, False, _jsonb(statement.metadata), halves,
             self.vectors.model, statement.message_id, 1)
        )  # fmt: skip
        cause = str(statement.cause)
        self.revisions.append((uuid7(), self.now, id, 1, statement.text, cause, statement.actor, ""))
        return id

    def decide(
        self,
        owner: Owner,
        statement: Statement,
        verdict: Verdict,
        memory_id: uuid.UUID,
        took_ms: float,
        *,
        near: bool = True,
    ) -> None:
        """Why the statement was added or found known; without `near`, it was compared with the same words only."""
        span = None if statement.span is None else _jsonb(statement.span)
        thresholds = {"near_certain": self.near_certain if near else None}
        self.decisions.append(
            (uuid7(), self.now, owner.workspace_id, owner.user_id, str(verdict.outcome), memory_id,
             statement.message_id, statement.ordinal, statement.text, span, _jsonb(as_trace(verdict)),
             _jsonb(thresholds), self.vectors.model, took_ms)
        )  # fmt: skip

    def write(self) -> None:
        """Three statements, in the transaction of the caller. Raises IntegrityError where a fact is there already."""
        _copy("memory_memory", _MEMORY, self.memories)
        _copy("memory_revision", _REVISION, self.revisions)
        _copy("memory_decision", _DECISION, self.decisions)


def _copy(table: str, columns: Mapping[str, str], rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)"
    # PostgreSQL says what is wrong when the COPY ends, out of the sight of Django's cursor
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)


def _jsonb(value: object) -> bytes:
    """As jsonb_recv reads it: version 1, then the text."""
    return b"\x01" + orjson.dumps(value)


def as_trace(verdict: Verdict) -> list[dict[str, Any]]:
    """What a fact was weighed against, as it is stored."""
    return [_weighed(weighed) for weighed in verdict.trace]


def _weighed(weighed: Weighed) -> dict[str, Any]:
    guards = [{"guard": e.guard, "a": list(e.a), "b": list(e.b)} for e in weighed.guards]
    # the candidate's id, not its text: what is forgotten must not live on in traces
    return {
        "id": str(weighed.id),
        "similarity": round(weighed.similarity, 4),
        "guards": guards,
        "outcome": str(weighed.outcome),
    }
