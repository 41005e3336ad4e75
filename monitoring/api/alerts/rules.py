"""Rules: all that can fire, changed with the version that was read, and held against what was recorded."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Status

from monitoring import alerts
from monitoring.alerts import ConflictError, rules
from monitoring.api.alerts.asked import Cursor, Limit, found, naming_the_field, newest_first, operator
from monitoring.api.alerts.schemas import BacktestOut, Conflict, RuleChange, RuleIn, RuleOut, Rules
from monitoring.metrics import read
from monitoring.models import AlertRule

router = Router(tags=["alerts"])
FIRED = 200  # of a back-test that are answered, the latest


@router.get("", response=Rules, url_name="alert_rules")
def list_rules(request: HttpRequest, limit: Limit, cursor: Cursor) -> dict[str, Any]:
    """All rules, newest first."""
    page, following = newest_first(AlertRule.objects.all(), cursor=cursor, limit=limit)
    return {"items": page, "next": following}


@router.post("", response={201: RuleOut}, url_name="alert_rules")
def create_rule(request: HttpRequest, body: RuleIn) -> Status[Any]:
    """Make a rule. What is wrong with it is told for all fields at once, each with what would do."""
    actor = operator(request)
    with naming_the_field():
        made = rules.create(fields=body.given(), actor=actor, reason=body.reason, now=timezone.now())
    return Status(201, made)


@router.get("/{uuid:id}", response=RuleOut, url_name="alert_rule")
def get_rule(request: HttpRequest, id: UUID) -> AlertRule:
    """One rule, with the version that a change has to name."""
    return _found(id)


@router.patch("/{uuid:id}", response={200: RuleOut, 409: Conflict}, url_name="alert_rule")
def change_rule(request: HttpRequest, id: UUID, body: RuleChange) -> Any:
    """Change the fields that are sent. A rule that was changed meanwhile is answered with 409 and as it is now."""
    actor = operator(request)
    given: dict[str, Any] = {"version": body.version, "actor": actor, "reason": body.reason, "now": timezone.now()}
    with naming_the_field():
        try:
            return rules.change(_found(id).pk, fields=body.given(), **given)
        except ConflictError as conflict:
            return _conflict(conflict)


@router.delete("/{uuid:id}", response={204: None, 409: Conflict}, url_name="alert_rule")
def delete_rule(
    request: HttpRequest,
    id: UUID,
    version: Annotated[int, Query(..., ge=1)],
    reason: Annotated[str, Query(..., min_length=8, max_length=500)],
) -> Any:
    """Delete a rule; its open alerts end. One that is built in can only be switched off."""
    actor = operator(request)
    with naming_the_field():
        try:
            rules.delete(_found(id).pk, version=version, actor=actor, reason=reason, now=timezone.now())
        except ConflictError as conflict:
            return _conflict(conflict)
    return Status(204, None)


@router.get("/{uuid:id}/backtest", response=BacktestOut, url_name="alert_backtest")
def backtest(request: HttpRequest, id: UUID, range: Literal["24h", "7d", "30d"] = "7d") -> dict[str, Any]:
    """When the rule would have fired on what was recorded. Nobody is told, and nothing is kept."""
    rule = _found(id)
    span = read.span(range, now=timezone.now())
    test = alerts.backtest(rule, span)
    return {
        "rule": rule.name,
        "start": span.start,
        "end": span.end,
        "count": len(test.fired),
        "longest_s": test.longest_s,
        "evaluated": test.evaluated,
        "grain_s": test.grain_s,
        "fired": test.fired[-FIRED:],
    }


def _found(id: UUID) -> AlertRule:
    return found(AlertRule.objects.all(), id)


def _conflict(conflict: ConflictError) -> Status[Any]:
    return Status(409, {"detail": str(conflict), "error": str(conflict), "current": conflict.current})
