"""Inhibition: an alert that a worse one explains is not told, for as long as the worse one fires."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from monitoring.alerts.rules.defaults import INHIBITS, NO_DATA
from monitoring.models import Alert, Severity


def inhibited(alerts: Sequence[Alert]) -> set[UUID]:
    """Those of the open alerts that another one explains.

    A critical alert inhibits milder ones with the same labels, so labels decide what belongs together. One whose rule
    has the label inhibits=no-data inhibits those that fire because there is nothing to judge.
    """
    critical = {key for alert in alerts if alert.severity == Severity.CRITICAL and (key := _key(alert))}
    has_no_figures = [alert for alert in alerts if alert.labels.get(INHIBITS) == NO_DATA]
    found = set()
    for alert in alerts:
        is_milder = alert.severity != Severity.CRITICAL and _key(alert) in critical
        is_blind = (
            alert.is_no_data and any(each is not alert for each in has_no_figures) and alert not in has_no_figures
        )
        if is_milder or is_blind:
            found.add(alert.pk)
    return found


def _key(alert: Alert) -> tuple[tuple[str, str], ...]:
    """Empty where there is no label that could be equal."""
    return tuple(sorted((str(name), str(value)) for name, value in alert.labels.items()))
