"""The JSON shapes of the API: what people decide about memories, why memories are as they are, proof of erasure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

from memory.api.schemas.base import FactText, In, Reason
from memory.api.schemas.memories import MemoryChange, MemoryIn, MemoryOut

ID, OTHER = "01928c6e-5b1a-7c3e-9d1f-6f1d0c8a4e11", "01928c6e-7f40-7a52-8a0b-1b7e2c9d5f22"


def example(value: dict[str, Any]) -> ConfigDict:
    """A configuration whose only word is an example for the OpenAPI document."""
    return ConfigDict(json_schema_extra={"example": value})


class ReasonIn(In):
    """Why, as it is kept with the revision and in the audit log."""

    reason: Reason = ""

    model_config = In.model_config | example({"reason": "She has two dogs."})


class MergeIn(In):
    """Memories of one user. `into` names the one that stays, `text` what it says; else the richest stays as it is."""

    memory_ids: Annotated[list[UUID], Field(max_length=50)]
    into: UUID | None = None
    text: FactText | None = None
    reason: Reason = ""

    model_config = In.model_config | example(
        {"memory_ids": [ID, OTHER], "into": ID, "text": "Has a dog named Bo, a beagle", "reason": "The same dog."}
    )


class SplitIn(In):
    """What the memory says, one thing each."""

    texts: Annotated[list[FactText], Field(max_length=50, description="2 to 8.")]
    reason: Reason = ""

    model_config = In.model_config | example({"texts": ["Lives in Leeds", "Works as a nurse"], "reason": "Two facts."})


class KeepApartIn(In):
    """Memories of one user, each of which is a fact of its own."""

    memory_ids: Annotated[list[UUID], Field(max_length=20)]
    reason: Reason = ""

    model_config = In.model_config | example({"memory_ids": [ID, OTHER], "reason": "Two dogs."})


class AnswerIn(In):
    """`same` merges the two, `replace` has the newer one supersede the older, `apart` leaves both."""

    as_: Annotated[Literal["same", "replace", "apart"], Field(alias="as")]
    reason: Reason = ""

    model_config = In.model_config | example({"as": "same", "reason": "She says 5k, and means 5 km."})


class AddIn(MemoryIn):
    op: Literal["add"]


class UpdateIn(MemoryChange):
    op: Literal["update"]
    id: UUID


class ForgetIn(In):
    op: Literal["forget"]
    id: UUID
    reason: Reason = ""
    messages: bool = False


class BatchIn(In):
    """Additions are done first, then changes, then what is forgotten; each is done or refused by itself."""

    items: Annotated[
        list[Annotated[AddIn | UpdateIn | ForgetIn, Field(discriminator="op")]], Field(min_length=1, max_length=1000)
    ]

    model_config = In.model_config | example(
        {
            "items": [
                {"op": "add", "user_id": "mara", "text": "Lives in Leeds", "infer": False},
                {"op": "update", "id": ID, "pinned": True},
                {"op": "forget", "id": OTHER, "reason": "She asked for it."},
            ]
        }
    )


class DoneOut(Schema):
    """What became of one item: its status as if it had come alone, with the memory, the job, or why it was refused."""

    status: int
    memory: MemoryOut | None = None
    job_id: UUID | None = None
    detail: str = ""


class BatchOut(Schema):
    """An answer per item, in the order of the items."""

    items: list[DoneOut]


class EvidenceOut(Schema):
    guard: str
    a: list[str] = Field(default_factory=list)
    b: list[str] = Field(default_factory=list)


class WeighedOut(Schema):
    """A memory that the fact was compared with."""

    id: UUID
    similarity: float | None = None
    score: float | None = None
    relation: str | None = None
    guards: list[EvidenceOut] = Field(default_factory=list)
    outcome: str | None = None


class EffectOut(Schema):
    """A memory that the decision changed: as it was, and as it became."""

    id: UUID
    before: dict[str, Any]
    after: dict[str, Any]


class MemoryDecisionOut(Schema):
    """`memory_id` holds the fact now; `other_id` is the memory that gave way to it, or is in question."""

    id: UUID
    outcome: str
    by: str
    actor: str
    reason: str
    user_id: str
    memory_id: UUID | None
    other_id: UUID | None
    message_id: UUID | None
    text: str
    span: list[int] | None
    trace: list[WeighedOut]
    thresholds: dict[str, Any]
    effects: list[EffectOut]
    model: str
    took_ms: float
    created_at: datetime
    resolved_at: datetime | None
    resolved_by: str
    resolution: str
    undone_at: datetime | None
    undone_by: str

    model_config = example(
        {
            **{"id": ID, "outcome": "merged", "by": "real_time", "actor": "", "reason": "", "user_id": "mara"},
            **{"memory_id": ID, "other_id": OTHER, "message_id": None, "text": "Has a dog named Bo", "span": [0, 24]},
            "trace": [
                {
                    "id": OTHER,
                    "similarity": 0.91,
                    "score": 0.94,
                    "relation": "richer",
                    "guards": [],
                    "outcome": "merged",
                }
            ],
            "thresholds": {"same": 0.8, "unsure": 0.65, "conflict": 0.6},
            "effects": [
                {
                    "id": OTHER,
                    "before": {"state": "active", "replaced_by": None, "valid_to": None, "version": 1},
                    "after": {"state": "merged", "replaced_by": ID, "valid_to": "2026-11-21T10:00:00Z", "version": 1},
                }
            ],
            **{"model": "local-words-256", "took_ms": 0.8, "created_at": "2026-11-21T10:00:00Z"},
            **{"resolved_at": None, "resolved_by": "", "resolution": "", "undone_at": None, "undone_by": ""},
        }
    )


class QuestionOut(Schema):
    """Two memories that may say the same: `memory` came last, and `other` was there."""

    id: UUID
    created_at: datetime
    user_id: str
    memory: MemoryOut
    other: MemoryOut
    similarity: float | None
    score: float | None
    guards: list[EvidenceOut]


class PlaceOut(Schema):
    """Where the text was looked for after it had been erased: how many rows were erased, and are left, and why."""

    place: str
    erased: int = 0
    left: int = 0
    why: str = ""
    ids: list[str] = Field(default_factory=list)


class AlsoOut(Schema):
    """A memory that may say it, too: `also` of the act takes its id."""

    id: UUID
    state: str
    why: str


class ErasureOut(Schema):
    """What was erased, and what a search found afterwards: `searched_at` is null while it was not searched."""

    id: UUID
    memory_id: UUID | None
    user_id: str
    actor: str
    reason: str
    created_at: datetime
    searched_at: datetime | None
    left: int | None
    places: list[PlaceOut]
    also: list[AlsoOut]
    messages: list[UUID]

    model_config = example(
        {
            **{"id": OTHER, "memory_id": ID, "user_id": "mara", "actor": "app", "reason": "Asked for it by letter."},
            **{"created_at": "2026-11-21T10:00:00Z", "searched_at": "2026-11-21T10:00:00Z", "left": 1},
            "places": [
                {"place": "memories", "erased": 1, "left": 0, "why": "", "ids": []},
                {"place": "messages", "erased": 0, "left": 1, "why": "What was said stays, unless it is erased, too "
                 "(messages=true).", "ids": [OTHER]},
            ],
            **{"also": [], "messages": [OTHER]},
        }
    )  # fmt: skip
