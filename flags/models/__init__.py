"""The nouns of flags."""

from __future__ import annotations

from flags.models.change import FlagChange, Proposal
from flags.models.cohort import CohortMinute, CohortSample, CohortShare, CohortSource, CohortUnit
from flags.models.flag import NAME, Flag, Flagset, Kind, Override, Unit, new_salt
from flags.models.plan import RolloutPlan, Stage

__all__ = [
    "NAME",
    "CohortMinute",
    "CohortSample",
    "CohortShare",
    "CohortSource",
    "CohortUnit",
    "Flag",
    "FlagChange",
    "Flagset",
    "Kind",
    "Override",
    "Proposal",
    "RolloutPlan",
    "Stage",
    "Unit",
    "new_salt",
]
