"""The JSON shapes of the API: settings of a workspace."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import Field

from memory.api.schemas.base import Id, In, Query, Reason

CHANGED = {"dedupe": {"same": 0.85}, "window": {"tokens": 4000}}


class SettingOut(Schema):
    """One value with its default and its bounds, null where it has none."""

    path: str
    value: Any
    default: Any
    least: float | None
    most: float | None
    description: str


class SettingsOut(Schema):
    """All settings that hold, those that differ from the defaults, and each with its default and bounds."""

    version: int
    terms: dict[str, Any]
    changed: dict[str, Any]
    settings: list[SettingOut]


class SettingsIn(In):
    terms: Annotated[
        dict[str, Any],
        Field(description="What is to differ from the defaults, by group.", examples=[CHANGED]),
    ]
    expect: Annotated[int | None, Field(ge=0, description="The version you have seen; 0 for none.")] = None
    reason: Reason = ""


class RevertIn(In):
    number: Annotated[int, Field(ge=0, description="The version to go back to; 0 is the defaults.")]
    expect: Annotated[int | None, Field(ge=0, description="The version you have seen.")] = None
    reason: Reason = ""


class VersionOut(Schema):
    number: int
    terms: dict[str, Any]
    actor: str
    reason: str
    created_at: datetime


class AskedIn(In):
    user_id: Id
    query: Query


class PreviewIn(In):
    terms: Annotated[dict[str, Any], Field(description="As for a change.", examples=[CHANGED])]
    decisions: Annotated[int, Field(ge=0, le=500, description="Of the newest decisions, how many.")] = 200
    queries: Annotated[
        list[AskedIn] | None,
        Field(max_length=20, description="The questions asked most in the last hour when left out."),
    ] = None


class DifferingOut(Schema):
    """A pair of facts that relate otherwise; texts as they are now."""

    decision_id: UUID
    memory_id: UUID
    fact: str
    other: str
    similarity: float
    before: str
    after: str


class DecisionsOut(Schema):
    replayed: int
    forgotten: int
    pairs: int
    differing: list[DifferingOut]


class RankedOut(Schema):
    memory_id: UUID
    text: str


class QueryOut(Schema):
    user_id: str
    query: str
    before: list[RankedOut]
    after: list[RankedOut]
    is_changed: bool


class PreviewOut(Schema):
    decisions: DecisionsOut
    queries: list[QueryOut]
