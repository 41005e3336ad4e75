"""All operations at once: pieces says which tier serves which time, table merges sketches, counted adds up counters.

figures tells of each operation.
"""

from __future__ import annotations

from monitoring.metrics.operations.counted import counted
from monitoring.metrics.operations.figures import KINDS, Operation, names, operations
from monitoring.metrics.operations.table import Table, table

__all__ = ["KINDS", "Operation", "Table", "counted", "names", "operations", "table"]
