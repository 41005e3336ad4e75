"""What a decision is made from, besides the measurements, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    ROLL_BACK = "roll back"
    HOLD = "hold"
    WAIT = "wait"
    ASK = "ask a human"
    ADVANCE = "advance"
    FINISH = "finish"  # the last stage is over: there is nothing to advance to


class Cause(StrEnum):
    """Why a rollout is held. Who resumes it with a reason names the causes that are accepted."""

    WARNING = "early warning"
    RATIO = "sample ratio"
    SILENCE = "no telemetry"
    BREAKER = "breaker open"
    INCIDENT = "incident open"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the rollout is."""

    stage: int  # index into the policy's stages
    in_stage_min: float
    looks: int  # since the rollout began, this one included: harm seen in one stage isn't forgotten in the next
    exposed_units: int  # `Rollout.exposed_units`
    certified_percent: float = 0.0  # the highest stage before this one that was certified


@dataclass(frozen=True, slots=True)
class Recent:
    """What the exposed units did in the last two minutes."""

    requests: int
    errors: int
    failing_units: int  # units with at least one error: one broken client stops no rollout

    @property
    def error_share(self) -> float:
        return self.errors / self.requests if self.requests else 0.0


@dataclass(frozen=True, slots=True)
class Health:
    """What else speaks against going on."""

    silent_s: float = 0.0  # since the last exposure or measurement
    ln_ratio: float = 0.0  # `ratio.of_stratum` of the current stage
    breakers: tuple[str, ...] = ()  # open ones that exposed requests pass
    incidents: tuple[str, ...] = ()  # open ones
    accepted: frozenset[Cause] = frozenset()  # resumed with a reason: these hold no longer


@dataclass(frozen=True, slots=True)
class Verdict:
    action: Action
    percent: float  # what the flag should stand at
    reasons: tuple[str, ...]  # in words, for people
    causes: tuple[Cause, ...]  # of a hold, else empty
    evidence: dict[str, object]  # JSON-able: what the decision rests on
