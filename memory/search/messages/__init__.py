"""Finds messages: what was said, also when no memory was made of it."""

from __future__ import annotations

from memory.search.messages.find import FoundMessages, MessageHit, search

__all__ = ["FoundMessages", "MessageHit", "search"]
