"""The flags as this process knows them: read from PostgreSQL, told of changes through Redis, kept when both are away.

Data flows through load (rows and the environment → compiled) → keep (this process's) ← keeper (who hears by post).
"""

from __future__ import annotations

from flags.snapshot.compiled import OPERATORS, Compiled, Condition, People, Rule, Snapshot
from flags.snapshot.mine import announce, check, current, forget, receipts
from flags.snapshot.post import Receipt

__all__ = [
    "OPERATORS",
    "Compiled",
    "Condition",
    "People",
    "Receipt",
    "Rule",
    "Snapshot",
    "announce",
    "check",
    "current",
    "forget",
    "receipts",
]
