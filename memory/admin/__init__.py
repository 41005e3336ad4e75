"""The admin of memory's nouns. Acts go through the same verbs as the API, so rules and revisions are the same."""

from __future__ import annotations

from memory.admin import decisions, memories, pipeline, tenants

__all__ = ["decisions", "memories", "pipeline", "tenants"]
