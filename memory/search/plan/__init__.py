"""How a scope is searched.

statistics (what PostgreSQL knows) → estimate (what a filter leaves) → choose (the cheapest that can answer).
"""

from __future__ import annotations

from memory.search.plan.costs import DEPTH, LARGE, SMALL, Choice, Size, choose, sought
from memory.search.plan.estimate import share_of

__all__ = ["DEPTH", "LARGE", "SMALL", "Choice", "Size", "choose", "share_of", "sought"]
