"""Channels: how people are reached. Data flows through change (sealed) → message → send (mail, hooks, apprise)."""

from __future__ import annotations

from monitoring.alerts.channels.change import Outcome, change, create, delete, test
from monitoring.alerts.channels.errors import DeliveryError
from monitoring.alerts.channels.mail import check
from monitoring.alerts.channels.send import Usable, kinds, send

__all__ = ["DeliveryError", "Outcome", "Usable", "change", "check", "create", "delete", "kinds", "send", "test"]
