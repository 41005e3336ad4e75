"""Finds what is remembered and what was said."""

from __future__ import annotations

from memory.search.hybrid import NOTHING, Filters, Hit, Why, search

__all__ = ["NOTHING", "Filters", "Hit", "Why", "search"]
