"""The settings of a workspace: what they may be (terms), and which hold (current)."""

from __future__ import annotations

from memory.tuning.current import current, forget
from memory.tuning.terms import Terms

__all__ = ["Terms", "current", "forget"]
