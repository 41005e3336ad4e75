"""Finds what is remembered, and in `messages` what was said.

A question flows through rewrite (with times: what it means) → find (the verb) → plan (how to look) → strategies (the
candidates) → fuse (one ranking). `filters` narrow it; `found` is what comes back.
"""

from __future__ import annotations

from memory.search.filters import Filter
from memory.search.find import search, texts_of
from memory.search.found import Breakdown, Found, Hit, Plan, Strategy

__all__ = ["Breakdown", "Filter", "Found", "Hit", "Plan", "Strategy", "search", "texts_of"]
