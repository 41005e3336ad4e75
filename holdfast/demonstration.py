"""What the demonstration does with flags: memory is on for everybody, and two flags roll out before one's eyes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from flags import change, plan
from flags.catalog import environment
from memory.catalogue import BATCH_PROCESSING, CHATGPT_MEMORY, CIRCUIT_BREAKERS, ENHANCED_PROMPTS, REAL_TIME_DEDUP

FULLY_ON: Final = (CHATGPT_MEMORY, REAL_TIME_DEDUP, CIRCUIT_BREAKERS)
ROLLED_OUT: Final = (BATCH_PROCESSING, ENHANCED_PROMPTS)
# Its few hundred visitors could never prove that a change is safe: the plans climb as long as nothing shows harm. They
# begin at a share that has two dozen of them.
STAGES: Final = ((10, 10), (25, 20), (50, 30), (100, 30))
POLICY: Final = {"least_units": 10, "uncertified_to": 100}
REASON: Final = "The demonstration shows what Holdfast does"


def set_flags(made: Collection[str], *, now: datetime) -> None:
    """Turn on and roll out the flags whose rows were `made` just now, but for what the environment speaks of.

    So a flag that a person has set stays as it is, however often the demonstration is started.
    """
    ours = [entry for entry in (*FULLY_ON, *ROLLED_OUT) if entry.name in made and not is_told(entry.name)]
    for entry in ours:
        if entry in ROLLED_OUT:
            plan.start(entry.name, stages=STAGES, policy=POLICY, by=change.SEED, reason=REASON, now=now)
        elif not (entry.is_enabled and entry.percent == 100):
            edit = {"everyone": None, "percent": 100}
            change.change(entry.name, expect=None, edit=edit, by=change.SEED, reason=REASON, now=now)


def is_told(name: str) -> bool:
    """Whether the environment says where the flag begins, or holds it."""
    key, said = name.upper(), environment.variables()
    return any(
        said.get(variable)
        for variable in (environment.ENABLE + key, key + environment.ROLLOUT, environment.FORCE + key)
    )
