"""The health of flags: drills with flags of their own, and what readiness asks.

Drills: evaluate, climb, toggle, each in a sandbox. Readiness: measures, which rules judge.
"""

from __future__ import annotations

from flags.errors import FlagError
from flags.health import climb, evaluate, rules, sandbox, toggle
from monitoring.health.drills import Spec, register

DRILLS = (
    Spec(
        name="feature-flags-test",
        title="Feature flags",
        about="Asks flags of its own 100,000 times: shares, stickiness, independence, rules, needs, and microseconds.",
        do=evaluate.feature_flags,
        clean=sandbox.clean,
        spoken=(FlagError,),
    ),
    Spec(
        name="rollout-test",
        title="Rollout",
        about="Takes a flag of its own through the stages of a plan, and rolls it back.",
        do=climb.rollout,
        clean=sandbox.clean,
        spoken=(FlagError,),
    ),
    Spec(
        name="feature-toggle-test",
        title="Feature toggle",
        about="Switches a flag of its own until every process has it, and measures how long that takes.",
        do=toggle.feature_toggle,
        clean=sandbox.clean,
        limit_s=15.0,
        spoken=(FlagError,),
    ),
)


def register_all() -> None:
    rules.register_all()
    for spec in DRILLS:
        register(spec)
