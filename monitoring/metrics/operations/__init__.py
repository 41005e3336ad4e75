"""All operations at once: pieces says which tier serves which time, table merges sketches, figures tells of each."""

from __future__ import annotations

from monitoring.metrics.operations.figures import KINDS, Operation, names, operations
from monitoring.metrics.operations.table import Table, counted, table

__all__ = ["KINDS", "Operation", "Table", "counted", "names", "operations", "table"]
