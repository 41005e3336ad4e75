"""Rules: what a series must do for an alert. Data flows through checks (with known, patterns) → change."""

from __future__ import annotations

from monitoring.alerts.rules.change import change, create, delete, restore
from monitoring.alerts.rules.checks import FIELDS, draft
from monitoring.alerts.rules.defaults import DEFAULTS, make_defaults
from monitoring.alerts.rules.known import names as catalogue

__all__ = ["DEFAULTS", "FIELDS", "catalogue", "change", "create", "delete", "draft", "make_defaults", "restore"]
