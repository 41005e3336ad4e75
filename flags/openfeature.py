"""OpenFeature's provider for code in this process: `openfeature-sdk` asks the snapshot, without I/O.

Only who imports this module needs the package: `pip install holdfast[openfeature]`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata
from openfeature.track import TrackingEventDetails

from flags import answers, cohorts, rollout, snapshot
from flags.rollout import Why
from flags.snapshot import Snapshot
from monitoring import metrics

TRACKED: Final = "flags.tracked"  # counted: calls of `track`, whatever their names, which anybody may choose
NOTED: Final = frozenset({Why.SPLIT, Why.ON, Why.OFF})
Structure = Sequence[FlagValueType] | Mapping[str, FlagValueType]


class _Asked(TypedDict):
    workspace: str
    conversation: str
    attributes: Mapping[str, Any]


class HoldfastProvider(AbstractProvider):
    """Booleans as `flags.rollout.decide` answers them; questions of other types are a mismatch and get their default.

    What is asked within `flags.cohorts.measured` counts as an exposure, as if `flags.cohorts.exposed` had been asked.

    The targeting key is the unit. The attributes `workspace` and `conversation` are the units of flags that draw those;
    the process is trusted, so the workspace is whatever its code says.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: Snapshot | None = None
        self._lock = threading.Lock()

    def get_metadata(self) -> Metadata:
        return Metadata(name="holdfast")

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        self._watch()
        context = evaluation_context or EvaluationContext()
        attributes = context.attributes
        unit = context.targeting_key or ""
        asked: _Asked = {
            "workspace": _text(attributes, "workspace"),
            "conversation": _text(attributes, "conversation"),
            "attributes": attributes,
        }
        decision = rollout.decide(flag_key, unit, **asked)
        if decision.why is Why.UNKNOWN:
            return _failed(default_value, ErrorCode.FLAG_NOT_FOUND, answers.not_found(flag_key))
        if decision.why is Why.NO_UNIT:
            return _failed(default_value, ErrorCode.TARGETING_KEY_MISSING, answers.missing(flag_key))
        if decision.why in NOTED:
            cohorts.exposed(flag_key, unit, **asked)
        return FlagResolutionDetails(
            value=decision.is_on,
            variant=answers.variant(decision),
            reason=Reason[answers.reason(decision)],
            flag_metadata=answers.metadata(decision),
        )

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        return _mismatch(flag_key, default_value)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        return _mismatch(flag_key, default_value)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        return _mismatch(flag_key, default_value)

    def resolve_object_details(
        self, flag_key: str, default_value: Structure, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[Structure]:
        return _mismatch(flag_key, default_value)

    def track(
        self,
        tracking_event_name: str,
        evaluation_context: EvaluationContext | None = None,
        tracking_event_details: TrackingEventDetails | None = None,
    ) -> None:
        """Only counted: what guards compare is measured by the code that asks (see docs/flags.md)."""
        metrics.count(TRACKED)

    def _watch(self) -> None:
        """Tell the SDK's listeners which flags differ from those of the question before, by name."""
        known, seen = snapshot.current(), self._seen
        if known is seen:
            return
        with self._lock:
            seen, self._seen = self._seen, known
        if seen is not None and (changed := _changed(seen, known)):
            self.emit_provider_configuration_changed(ProviderEventDetails(flags_changed=changed))


def _changed(before: Snapshot, after: Snapshot) -> list[str]:
    names = before.flags.keys() | after.flags.keys()
    return sorted(name for name in names if before.flags.get(name) != after.flags.get(name))


def _failed(default: Any, code: ErrorCode, message: str) -> FlagResolutionDetails[Any]:
    return FlagResolutionDetails(value=default, reason=Reason.ERROR, error_code=code, error_message=message)


def _mismatch(name: str, default: Any) -> FlagResolutionDetails[Any]:
    if name not in snapshot.current().flags:
        return _failed(default, ErrorCode.FLAG_NOT_FOUND, answers.not_found(name))
    return _failed(default, ErrorCode.TYPE_MISMATCH, f"The flag {name} is on or off: ask for a boolean.")


def _text(attributes: Mapping[str, Any], name: str) -> str:
    value = attributes.get(name, "")
    return value if isinstance(value, str) else str(value)
