"""The flags as this process knows them: read from PostgreSQL, told of changes through Redis, kept when both are away.

Data flows through load (rows and the environment → compiled) → keep (this process's) → receipts (who has which).
"""

from __future__ import annotations

from flags.snapshot.compiled import Compiled, Condition, Rule, Snapshot
from flags.snapshot.keep import current, forget

__all__ = ["Compiled", "Condition", "Rule", "Snapshot", "current", "forget"]
