"""Writes what was decided about many facts at once: memories, first revisions and decisions, each by one COPY."""

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

from memory.dedupe.decide import Standing, Verdict, Weighed
from memory.dedupe.stored.candidates import Owner
from memory.dedupe.stored.halves import as_bytes
from memory.models import Cause, Outcome, State
from monitoring.ids import uuid7

# Columns with the types that they are written as: in a binary COPY nothing is converted. jsonb and halfvec are written
# by hand, since psycopg knows no faster way for the one and none for the other.
_UUID, _AT, _TEXT, _INT, _FLOAT, _BYTES = "uuid", "timestamptz", "text", "int4", "float8", "bytea"
_MEMORY: Final = {
    "id": _UUID, "created_at": _AT, "updated_at": _AT, "workspace_id": _UUID, "user_id": _TEXT, "agent_id": _TEXT,
    "app_id": _TEXT, "run_id": _TEXT, "text": _TEXT, "text_hash": _TEXT, "kind": _TEXT, "state": _TEXT,
    "replaced_by_id": _UUID, "valid_from": _AT, "valid_to": _AT, "importance": _FLOAT, "pinned": "bool",
    "metadata": _BYTES, "embedding": _BYTES, "embedding_model": _TEXT, "source_id": _UUID, "version": _INT,
}  # fmt: skip
_REVISION: Final = {
    "id": _UUID, "created_at": _AT, "memory_id": _UUID, "number": _INT, "text": _TEXT, "cause": _TEXT, "actor": _TEXT,
    "reason": _TEXT,
}  # fmt: skip
_DECISION: Final = {
    "id": _UUID, "created_at": _AT, "workspace_id": _UUID, "user_id": _TEXT, "outcome": _TEXT, "memory_id": _UUID,
    "other_id": _UUID, "message_id": _UUID, "ordinal": "int2", "text": _TEXT, "span": _BYTES, "trace": _BYTES,
    "thresholds": _BYTES, "effects": _BYTES, "model": _TEXT, "took_ms": _FLOAT,
}  # fmt: skip
# By primary key.
RETIRE_SQL = """
UPDATE memory_memory AS of
SET state = row.state, replaced_by_id = row.by, valid_to = row.valid_to, updated_at = %(now)s
FROM unnest(%(ids)s::uuid[], %(states)s::text[], %(by)s::uuid[], %(valid_to)s::timestamptz[])
  AS row (id, state, by, valid_to)
WHERE of.id = row.id
"""
RAISE_SQL = """
UPDATE memory_memory AS of SET importance = row.importance, updated_at = %(now)s
FROM unnest(%(ids)s::uuid[], %(importance)s::float8[]) AS row (id, importance)
WHERE of.id = row.id
"""


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
class Retirement:
    """A memory that gives way: from when on, and to which. `digest` is its text's hash."""

    id: uuid.UUID
    digest: str
    state: State
    by: uuid.UUID
    valid_to: datetime

    def effect(self, before: Standing) -> dict[str, Any]:
        """What undo needs of it."""
        after = {"state": str(self.state), "replaced_by": str(self.by), "valid_to": self.valid_to.isoformat()}
        return {"id": str(self.id), "before": before.side(), "after": before.side() | after}


@dataclass(slots=True)
class _Memory:
    """A row on its way in: what may change before it is written."""

    owner: Owner
    statement: Statement
    digest: str
    halves: bytes | None
    importance: float
    retired: Retirement | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows on their way into the three tables; nothing is written before `write`."""

    model: str
    now: datetime
    memories: dict[uuid.UUID, _Memory] = field(default_factory=dict)
    retired: dict[uuid.UUID, Retirement] = field(default_factory=dict)  # of those that are stored
    decisions: list[tuple[Any, ...]] = field(default_factory=list)

    def add(self, owner: Owner, statement: Statement, digest: str, vector: NDArray[np.float32]) -> uuid.UUID:
        """A new active memory, whose text has this hash, with its first revision; its id."""
        id = uuid7()
        halves = as_bytes(vector[None])[0] if vector.any() else None
        self.memories[id] = _Memory(owner, statement, digest, halves, statement.importance)
        return id

    def retire(self, retirement: Retirement) -> None:
        """A memory gives way: one that is stored, or one that was added before."""
        new = self.memories.get(retirement.id)
        if new is None:
            self.retired[retirement.id] = retirement
        else:
            new.retired = retirement

    def raise_importance(self, id: uuid.UUID, importance: float) -> None:
        """A memory that was added matters at least as much as one that is merged into it."""
        self.memories[id].importance = max(self.memories[id].importance, importance)

    def decide(
        self,
        owner: Owner,
        statement: Statement,
        verdict: Verdict,
        *,
        memory_id: uuid.UUID,
        other_id: uuid.UUID | None,
        effects: Sequence[Mapping[str, Any]],
        thresholds: Mapping[str, Any],
        took_ms: float,
    ) -> None:
        """Why the statement became what it is: `thresholds` are empty where only the same words were looked for."""
        span = None if statement.span is None else _jsonb(statement.span)
        trace = as_trace(verdict.trace, most=thresholds.get("candidates", 1))
        self.decisions.append(
            (uuid7(), self.now, owner.workspace_id, owner.user_id, str(verdict.outcome), memory_id, other_id,
             statement.message_id, statement.ordinal, statement.text, span, _jsonb(trace), _jsonb(thresholds),
             _jsonb(effects), self.model, took_ms)
        )  # fmt: skip

    def write(self) -> None:
        """Four statements, in the transaction of the caller. Raises IntegrityError where a fact is there already."""
        # what replaces a memory is written before that is retired, but for a text that comes back: it is active once
        active = {new.digest for new in self.memories.values() if new.retired is None}
        returning = [one for one in self.retired.values() if one.digest in active]
        retire(returning, now=self.now)
        _copy("memory_memory", _MEMORY, [self._memory(id, new) for id, new in self.memories.items()])
        _copy("memory_revision", _REVISION, [self._revision(id, new) for id, new in self.memories.items()])
        retire([one for one in self.retired.values() if one.digest not in active], now=self.now)
        _copy("memory_decision", _DECISION, self.decisions)

    def _memory(self, id: uuid.UUID, new: _Memory) -> tuple[Any, ...]:
        owner, said, retired = new.owner, new.statement, new.retired
        state, by, valid_to = (retired.state, retired.by, retired.valid_to) if retired else (State.ACTIVE, None, None)
        return (
            id, self.now, self.now, owner.workspace_id, owner.user_id, owner.agent_id, owner.app_id, owner.run_id,
            said.text, new.digest, str(said.kind), str(state), by, said.valid_from, valid_to, new.importance, False,
            _jsonb(said.metadata), new.halves, self.model, said.message_id, 1,
        )  # fmt: skip

    def _revision(self, id: uuid.UUID, new: _Memory) -> tuple[Any, ...]:
        said = new.statement
        return (uuid7(), self.now, id, 1, said.text, str(said.cause), said.actor, "")


def retire(retirements: Sequence[Retirement], *, now: datetime) -> None:
    """Write that stored memories give way: one statement."""
    if not retirements:
        return
    arguments: dict[str, Any] = {
        "now": now,
        "ids": [one.id for one in retirements],
        "states": [str(one.state) for one in retirements],
        "by": [one.by for one in retirements],
        "valid_to": [one.valid_to for one in retirements],
    }
    with connection.cursor() as cursor:
        cursor.execute(RETIRE_SQL, arguments)


def raise_importance(importance: Mapping[uuid.UUID, float], *, now: datetime) -> None:
    """Write how much stored memories matter now: one statement."""
    if not importance:
        return
    arguments: dict[str, Any] = {"now": now, "ids": list(importance), "importance": list(importance.values())}
    with connection.cursor() as cursor:
        cursor.execute(RAISE_SQL, arguments)


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


def as_trace(weighed: Sequence[Weighed], *, most: int) -> list[dict[str, Any]]:
    """What a fact was weighed against, as it is stored: the nearest, and all of which something came."""
    apart = (Outcome.ADDED, Outcome.KEPT_APART)
    return [_weighed(one) for place, one in enumerate(weighed) if place < most or one.outcome not in apart]


def _weighed(weighed: Weighed) -> dict[str, Any]:
    guards = [{"guard": e.guard, "a": list(e.a), "b": list(e.b)} for e in weighed.guards]
    # the candidate's id, not its text: what is forgotten must not live on in traces
    return {
        "id": str(weighed.id),
        "similarity": round(weighed.similarity, 4),
        "score": round(weighed.score, 4),
        "relation": str(weighed.relation),
        "guards": guards,
        "outcome": str(weighed.outcome),
    }
