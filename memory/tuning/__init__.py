"""The settings of a workspace: what they may be (terms), which hold (current), and how they are changed (change)."""

from __future__ import annotations

from memory.tuning.change import change, newest, revert
from memory.tuning.current import TermsOf, current, forget, mark, peek_mark
from memory.tuning.terms import Terms

__all__ = ["Terms", "TermsOf", "change", "current", "forget", "mark", "newest", "peek_mark", "revert"]
