"""Changes of flags, by rules that hold for the console, the API, the command line and the admin alike.

A change goes asked (what may be meant) → write (locks, compare-and-swap, history, event, audit) under one of the verbs;
look reads what was done and what would be; transfer carries flags as a file.
"""

from __future__ import annotations

from flags.change import transfer
from flags.change.asked.values import FIELDS
from flags.change.look.blast import Blast, blast, name_workspaces
from flags.change.look.history import history, noticed
from flags.change.look.stale import Stale, stale
from flags.change.persons import GUARD, PLAN, SEED, Person
from flags.change.verbs.approve import approve
from flags.change.verbs.edit import change, create, delete
from flags.change.verbs.overrides import override
from flags.change.verbs.proposals import refuse, waiting
from flags.change.verbs.seed import seed
from flags.change.verbs.switch import kill, undo
from flags.change.verbs.whole import freeze, pause_guard, require_approval
from flags.change.write.hold import flagset

__all__ = [
    "FIELDS",
    "GUARD",
    "PLAN",
    "SEED",
    "Blast",
    "Person",
    "Stale",
    "approve",
    "blast",
    "change",
    "create",
    "delete",
    "flagset",
    "freeze",
    "history",
    "kill",
    "name_workspaces",
    "noticed",
    "override",
    "pause_guard",
    "refuse",
    "require_approval",
    "seed",
    "stale",
    "transfer",
    "undo",
    "waiting",
]
