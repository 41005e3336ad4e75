"""The JSON shapes of the flags' operations."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

from flags.change.asked.values import plain

WHY = "new prompts read well at 10 %"
RULE = {"if": [{"attribute": "plan", "operator": "in", "values": ["pro"]}], "then": True}
Text = str | int | float


class Body(Schema):
    model_config = ConfigDict(extra="forbid")


class Reason(Body):
    reason: str = Field(max_length=2000, examples=[WHY], description="Why, in 8 to 500 characters.")


class Fields(Body):
    """What a flag is; what is left out stays as it is. The values are judged by the rules of all changes."""

    percent: Text | None = Field(None, examples=[12.5], description="0 to 100, in steps of 0.001.")
    everyone: bool | None = Field(None, description="On or off for everyone; null leaves it to rules and percentage.")
    rules: list[dict[str, Any]] | None = Field(None, max_length=100, examples=[[RULE]])
    needs: list[str] | None = Field(None, max_length=100, examples=[["real_time_dedup"]])
    starts_at: str | None = Field(None, max_length=40, examples=["2027-01-31T09:00:00Z"])
    ends_at: str | None = Field(None, max_length=40)
    unit: str | None = Field(None, max_length=40, examples=["user"])
    salt: str | bool | None = Field(None, description="Any other one reshuffles; true draws one.")
    owner: str | None = Field(None, examples=["ana"])
    kind: str | None = Field(None, max_length=40, examples=["release"])
    expires_on: str | None = Field(None, max_length=40, examples=["2027-03-01"])
    note: str | None = None
    is_locked: bool | None = None

    def given(self) -> dict[str, Any]:
        """The fields that were sent."""
        return self.model_dump(exclude_unset=True, include=set(Fields.model_fields))


class FlagIn(Fields):
    name: str = Field(max_length=200, examples=["enhanced_prompts"])
    reason: str = Field(max_length=2000, examples=[WHY])


class FlagChangeIn(Fields):
    """`version` is the one that was read: a flag that somebody changed meanwhile is answered with 409."""

    version: int = Field(ge=1, examples=[4])
    reason: str = Field(max_length=2000, examples=[WHY])


class FlagOut(Schema):
    """`share` is the percentage of units that have it now. `pinned_by` names the variable that holds it."""

    name: str
    version: int
    share: float = Field(examples=[12.5])
    percent: float | None
    everyone: bool | None
    unit: str
    kind: str
    owner: str
    note: str
    salt: str
    rules: list[dict[str, Any]]
    needs: list[str]
    starts_at: datetime | None
    ends_at: datetime | None
    expires_on: date | None
    is_locked: bool
    pinned_by: str
    created: datetime
    modified: datetime

    @staticmethod
    def resolve_percent(flag: Any) -> float | None:
        return None if flag.percent is None else float(flag.percent)


class Flags(Schema):
    items: list[FlagOut]
    next: str | None = None


class ChangeOut(Schema):
    """One change: `before` and `after` hold what differs. Percentages are text, so that nothing is rounded."""

    id: UUID
    name: str
    version: int
    action: str = Field(examples=["raise"])
    before: dict[str, Any] = Field(examples=[{"percent": "10"}])
    after: dict[str, Any] = Field(examples=[{"percent": "25"}])
    actor: str
    reason: str
    at: datetime
    evidence: dict[str, Any] | None


class Changes(Schema):
    items: list[ChangeOut]
    next: None = None


class ProposalOut(Schema):
    """A raise that waits for a second person."""

    id: UUID
    name: str
    version: int
    edit: dict[str, Any]
    actor: str
    reason: str
    at: datetime
    expires_at: datetime
    state: str
    decided_by: str

    @staticmethod
    def resolve_name(proposal: Any) -> str:
        return str(proposal.flag.name)


class Proposals(Schema):
    items: list[ProposalOut]
    next: None = None


class OverrideIn(Reason):
    is_on: bool


class OverrideOut(Schema):
    unit: str
    is_on: bool
    actor: str
    reason: str
    at: datetime


class Overrides(Schema):
    items: list[OverrideOut]
    next: str | None = None


class Biggest(Schema):
    name: str
    per_minute: float


class BlastOut(Schema):
    """Who would get it newly, or lose it where `is_lowering`; and who has it now. Requests are a minute's."""

    percent: float
    is_lowering: bool
    units: int
    units_before: int
    workspaces: int
    workspaces_before: int
    per_minute: float
    per_minute_before: float
    largest: list[Biggest]
    window_h: float
    is_estimate: bool


class EvaluateIn(Body):
    """Up to a hundred units, and flags by name; without names all flags. `workspace` is the key's own if left out."""

    units: list[str] = Field(min_length=1, max_length=100, examples=[["mara"]])
    flags: list[str] | None = Field(None, min_length=1, max_length=100, examples=[["enhanced_prompts"]])
    workspace: str | None = Field(None, max_length=100)
    conversation: str = Field("", max_length=200)
    attributes: dict[str, str | bool | int | float | None] = Field(default_factory=dict, max_length=100)


class DecisionOut(Schema):
    """`enters_at` is the least share at which the unit is in by its bucket."""

    flag: str
    asked: str
    unit: str
    is_on: bool
    why: str = Field(examples=["split"])
    by: str
    version: int
    enters_at: float | None


class Decisions(Schema):
    items: list[DecisionOut]


class Freeze(Reason):
    is_frozen: bool


class Pause(Reason):
    is_paused: bool


class Approval(Reason):
    """Raising beyond `over` percent needs a second person; null ends it."""

    over: Text | None = Field(examples=[50])


class FlagsetOut(Schema):
    version: int
    is_frozen: bool
    is_guard_paused: bool
    approval_over: float | None
    actor: str
    reason: str
    at: datetime | None

    @staticmethod
    def resolve_approval_over(flagset: Any) -> float | None:
        over: Decimal | None = flagset.approval_over
        return None if over is None else float(plain(over))


class StaleOut(Schema):
    name: str
    why: str


class Stales(Schema):
    items: list[StaleOut]
    next: None = None


class Changed(Schema):
    """Somebody was faster: `version` is the flag's now; `diff` has what you saw (`yours`) and what is (`theirs`)."""

    type: str = "about:blank"
    title: str = "Conflict"
    status: int = 409
    detail: str
    error: str
    request_id: str
    version: int | None = None
    diff: dict[str, dict[str, Any]] | None = Field(None, examples=[{"percent": {"yours": "10", "theirs": "25"}}])
    actor: str | None = None
    at: datetime | None = None
