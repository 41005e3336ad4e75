"""The API's group of alerts: what fires, the rules, silences and channels."""

from __future__ import annotations

from monitoring.api.alerts.channels import router as channels
from monitoring.api.alerts.fired import router
from monitoring.api.alerts.rules import router as rules
from monitoring.api.alerts.silences import router as silences

router.add_router("/rules", rules)
router.add_router("/silences", silences)
router.add_router("/channels", channels)

__all__ = ["router"]
