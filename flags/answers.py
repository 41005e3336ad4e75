"""A decision in OpenFeature's words: variant, reason and metadata, the same over HTTP and within the process."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from flags import snapshot
from flags.models import Unit
from flags.rollout import Decision, Why

SET_ID: Final = "holdfast"
ON, OFF = "on", "off"
UNSAID: Final = "UNKNOWN"  # what decides is another flag, for which the protocol has no word
REASONS: Final[Mapping[Why, str]] = MappingProxyType(
    {
        Why.PINNED: "STATIC",
        Why.ON: "STATIC",
        Why.OFF: "DISABLED",
        Why.SCHEDULE: "DISABLED",
        Why.OVERRIDE: "TARGETING_MATCH",
        Why.RULE: "TARGETING_MATCH",
        Why.SPLIT: "SPLIT",
    }
)
MISSING: Final[Mapping[str, str]] = MappingProxyType(
    {
        Unit.USER: "The flag {name} draws users: send the user's id as targetingKey.",
        Unit.SERVICE: "The flag {name} draws services: send the service's name as targetingKey.",
        Unit.CONVERSATION: "The flag {name} draws conversations: send their id as attribute `conversation`.",
        Unit.WORKSPACE: "The flag {name} draws workspaces: send their id as attribute `workspace`.",
    }
)


def variant(decision: Decision) -> str:
    return ON if decision.is_on else OFF


def reason(decision: Decision) -> str:
    return REASONS.get(decision.why, UNSAID)


def metadata(decision: Decision) -> dict[str, bool | int | float | str]:
    """Scalars only. `version`, `flagSetId` and `contextId` are what OpenFeature's telemetry reads."""
    told: dict[str, bool | int | float | str] = {
        "flagVersion": decision.version,
        "version": str(decision.version),
        "flagSetId": SET_ID,
        "why": decision.why.value,
    }
    if decision.unit:
        told["contextId"] = decision.unit
    if decision.enters_at is not None:
        told["enters_at"] = float(decision.enters_at)
    if decision.by:
        told["by"] = decision.by
    return told


def not_found(name: str) -> str:
    return f"There is no flag {name}. The console's page Rollouts lists those that there are."


def missing(name: str) -> str:
    """What to send, for a flag that was asked without the unit that it draws."""
    flag = snapshot.current().flags.get(name)
    return MISSING[flag.unit if flag else Unit.USER].format(name=name)
