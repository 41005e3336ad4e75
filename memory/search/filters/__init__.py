"""What memories are filtered by: fields (what there is) → language (what a caller writes) → sql (what is asked)."""

from __future__ import annotations

from memory.search.filters.language import NOTHING, from_json, parsed
from memory.search.filters.sql import Bind, Condition, Filter, Group, Node, narrowed

__all__ = ["NOTHING", "Bind", "Condition", "Filter", "Group", "Node", "from_json", "narrowed", "parsed"]
