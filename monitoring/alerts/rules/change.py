"""Makes, changes and deletes rules; each change says who did it and why, and is refused when somebody was faster."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from monitoring import audit
from monitoring.alerts.errors import ConflictError, Problem, RefusedError
from monitoring.alerts.rules.checks import FIELDS, draft
from monitoring.alerts.rules.defaults import DEFAULTS
from monitoring.models import AlertRule

RULES: Final = 500


@transaction.atomic
def create(*, fields: Mapping[str, Any], actor: str, reason: str, now: datetime) -> AlertRule:
    """A new rule. Raises RefusedError."""
    rule = draft(fields)
    if AlertRule.objects.filter(name=rule.name).exists():
        raise RefusedError({"name": Problem(f"there is a rule {rule.name} already", f"Such as {rule.name}-2")})
    if AlertRule.objects.count() >= RULES:
        raise RefusedError.one("name", f"there are {RULES} rules already", "Delete one that nobody needs")
    rule.created_at = rule.changed_at = now
    rule.changed_by = actor
    rule.save()
    audit.record(actor=actor, action="alert_rule.create", subject=rule.name, after=_told(rule), reason=reason, at=now)
    return rule


@transaction.atomic
def change(
    rule_id: UUID, *, fields: Mapping[str, Any], version: int, actor: str, reason: str, now: datetime
) -> AlertRule:
    """The rule with these fields changed. Raises RefusedError, ConflictError, AlertRule.DoesNotExist."""
    before = AlertRule.objects.get(pk=rule_id)
    if fields.get("name", before.name) != before.name:
        raise RefusedError.one("name", "a rule keeps its name, since alerts and links carry it", "Change its title")
    after = draft(fields, of=before)
    values = {name: getattr(after, name) for name in FIELDS}
    _swap(before, version, values | {"changed_at": now, "changed_by": actor})
    _record("change", before, after, actor=actor, reason=reason, now=now)
    return AlertRule.objects.get(pk=rule_id)


@transaction.atomic
def restore(rule_id: UUID, *, version: int, actor: str, reason: str, now: datetime) -> AlertRule:
    """A built-in rule as it was at first. Raises RefusedError for another."""
    before = AlertRule.objects.get(pk=rule_id)
    default = next((each for each in DEFAULTS if each["name"] == before.name), None)
    if default is None:
        raise RefusedError.one("name", f"{before.name} is not built in, so there is nothing to go back to")
    after = AlertRule(**default)
    values = {name: getattr(after, name) for name in FIELDS}
    _swap(before, version, values | {"changed_at": now, "changed_by": actor})
    _record("restore", before, after, actor=actor, reason=reason, now=now)
    return AlertRule.objects.get(pk=rule_id)


@transaction.atomic
def delete(rule_id: UUID, *, version: int, actor: str, reason: str, now: datetime) -> None:
    """Deletes a rule; its open alerts end with the next evaluation. Raises RefusedError, ConflictError."""
    rule = AlertRule.objects.get(pk=rule_id)
    if rule.is_builtin:
        raise RefusedError.one("name", f"{rule.name} is built in and would come back", "Disable it instead")
    if not AlertRule.objects.filter(pk=rule_id, version=version).delete()[0]:
        raise ConflictError(AlertRule.objects.get(pk=rule_id))
    audit.record(actor=actor, action="alert_rule.delete", subject=rule.name, before=_told(rule), reason=reason, at=now)


def _swap(rule: AlertRule, version: int, values: dict[str, Any]) -> None:
    if not AlertRule.objects.filter(pk=rule.pk, version=version).update(version=version + 1, **values):
        raise ConflictError(AlertRule.objects.get(pk=rule.pk))


def _record(verb: str, before: AlertRule, after: AlertRule, *, actor: str, reason: str, now: datetime) -> None:
    was, became = _told(before), _told(after)
    action = f"alert_rule.{verb}"
    audit.record(actor=actor, action=action, subject=before.name, before=was, after=became, reason=reason, at=now)


def _told(rule: AlertRule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in FIELDS}
