"""The JSON shapes of the alerts' operations."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field


class AlertOut(Schema):
    """One episode of a rule's instance. `value`, `peak`, `threshold` and `clear` are in `unit`."""

    id: UUID
    rule: str
    title: str
    instance: str
    labels: dict[str, str]
    state: str
    severity: str
    value: float | None
    peak: float | None
    threshold: float
    clear: float
    unit: str
    pending_since: datetime
    firing_since: datetime
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    note: str
    snoozed_until: datetime | None
    silenced_until: datetime | None
    recommendation: list[str]
    link: str


class Alerts(Schema):
    """`evaluated_at` is when rules were judged last; `is_late` says that it was too long ago."""

    items: list[AlertOut]
    next: str | None = None
    evaluated_at: datetime | None = None
    is_late: bool = False


class Body(Schema):
    model_config = ConfigDict(extra="forbid")


class Note(Body):
    note: str = Field(min_length=8, max_length=500)


class Snooze(Body):
    hours: float = Field(gt=0, le=168)
    reason: str = Field(min_length=8, max_length=500)


class RuleFields(Body):
    """All that a rule is. What is left out keeps its value, or takes the default of a new rule."""

    title: str | None = Field(None, max_length=120)
    summary: str | None = Field(None, max_length=300)
    kind: str | None = None
    metric: str | None = Field(None, max_length=100, examples=["operation.assemble_context"])
    measure: str | None = None
    denominator: str | None = Field(None, max_length=100)
    window_s: int | None = Field(None, ge=0)
    comparison: str | None = None
    thresholds: list[dict[str, Any]] | None = Field(None, max_length=3)
    for_s: int | None = Field(None, ge=0)
    keep_firing_s: int | None = Field(None, ge=0)
    min_events: int | None = Field(None, ge=0)
    no_data: str | None = None
    baseline: str | None = None
    objective: float | None = None
    labels: dict[str, str] | None = None
    recommendation: str | None = Field(None, max_length=2000)
    link: str | None = Field(None, max_length=200)
    channels: list[str] | None = Field(None, max_length=50)
    is_enabled: bool | None = None

    def given(self, *but: str) -> dict[str, Any]:
        """The fields that were sent."""
        return self.model_dump(exclude_unset=True, exclude={"reason", "version", *but})


class RuleIn(RuleFields):
    name: str = Field(max_length=80, examples=["queue-depth"])
    reason: str = Field(min_length=8, max_length=500)


class RuleChange(RuleFields):
    """`version` is the one that was read: a rule that somebody changed meanwhile is answered with 409."""

    version: int = Field(ge=1)
    reason: str = Field(min_length=8, max_length=500)


class RuleOut(Schema):
    id: UUID
    name: str
    title: str
    summary: str
    kind: str
    metric: str
    measure: str
    denominator: str
    window_s: int
    comparison: str
    thresholds: list[dict[str, Any]]
    for_s: int
    keep_firing_s: int
    min_events: int
    no_data: str
    baseline: str
    objective: float | None
    labels: dict[str, str]
    recommendation: str
    link: str
    channels: list[str]
    is_enabled: bool
    is_builtin: bool
    version: int
    changed_at: datetime
    changed_by: str


class Rules(Schema):
    items: list[RuleOut]
    next: str | None = None


class Conflict(Schema):
    """Somebody was faster; `current` is the rule as it is now."""

    type: str = "about:blank"
    title: str = "Conflict"
    status: int = 409
    detail: str
    error: str
    current: RuleOut


class FiredOut(Schema):
    start: datetime
    end: datetime | None
    peak: float | None
    severity: str


class BacktestOut(Schema):
    """When the rule would have fired; `fired` has the latest two hundred, the oldest of them first."""

    rule: str
    start: datetime
    end: datetime
    count: int
    longest_s: float
    evaluated: int
    grain_s: int
    fired: list[FiredOut]


class MatcherIn(Body):
    label: str = Field(min_length=1, max_length=40)
    op: Literal["=", "=~"] = "="
    value: str = Field(max_length=100)


class Matchers(Body):
    matchers: list[MatcherIn] = Field(min_length=1, max_length=10)


class Previewed(Schema):
    id: UUID
    title: str
    severity: str


class Preview(Schema):
    """How many open alerts would be silenced, and the first hundred of them."""

    count: int
    items: list[Previewed]


class SilenceIn(Matchers):
    """`starts_at` in the future plans a maintenance window; without it the silence begins now."""

    hours: float = Field(gt=0, le=720)
    starts_at: datetime | None = None
    reason: str = Field(min_length=8, max_length=200)


class SilenceOut(Schema):
    id: UUID
    matchers: list[MatcherIn]
    author: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    ended_by: str
    is_maintenance: bool


class Silences(Schema):
    items: list[SilenceOut]
    next: str | None = None


class Reason(Body):
    reason: str = Field(min_length=8, max_length=200)


class ChannelOut(Schema):
    """`target` is what of it may be shown; secrets never are."""

    id: UUID
    name: str
    kind: str
    target: str
    is_enabled: bool
    delivered_at: datetime | None
    failed_at: datetime | None
    error: str


class Channels(Schema):
    items: list[ChannelOut]
    next: str | None = None


class Tested(Schema):
    ok: bool
    answer: str
    took_ms: float
