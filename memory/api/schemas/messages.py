"""The JSON shapes of the API: messages and how they are found."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field, model_validator

from memory.api.schemas.base import Id, In, Query

ID = "01989d6b-5b1e-7c3a-9d52-2a4f6f0f3b11"
CONVERSATION = "01989d6a-02ef-7b6c-8a41-6c1c5a9a7e02"


class MessageSearchIn(In):
    """Whose messages, and what about; with both a user and a conversation, the conversation has to be the user's."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"user_id": "mara", "query": "Which race did Jonas sign up for in May?", "limit": 5}
        },
    )

    user_id: Id | None = None
    conversation_id: UUID | None = None
    query: Query
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    explain: bool = False

    @model_validator(mode="after")
    def _names_a_scope(self) -> MessageSearchIn:
        if self.user_id is None and self.conversation_id is None:
            raise ValueError("name a user_id, a conversation_id, or both: whose messages are searched?")
        return self


class MessageHitOut(Schema):
    """A message that was found. `explain` is what each sign added to the score."""

    id: UUID
    external_id: str | None
    conversation_id: UUID
    position: int
    role: str
    name: str
    content: str
    created_at: datetime = Field(alias="said_at")
    score: float
    explain: dict[str, float] | None = None


class MessageHits(Schema):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "items": [
                    {
                        "id": ID,
                        "external_id": "turn-212",
                        "conversation_id": CONVERSATION,
                        "position": 212,
                        "role": "user",
                        "name": "Jonas",
                        "content": "I signed up for the half marathon along the river!",
                        "created_at": "2026-05-09T18:04:11Z",
                        "score": 0.83,
                        "explain": None,
                    }
                ],
                "next": None,
                "degraded": False,
                "reasons": [],
            }
        }
    )

    items: list[MessageHitOut]
    next: None = None
    degraded: bool = False
    reasons: list[str] = Field(default_factory=list)
